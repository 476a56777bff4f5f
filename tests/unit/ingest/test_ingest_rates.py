"""A minute's worth of events at once, and the rest as it comes back: from each address to a project, and to it in all."""

import pytest

from sv.ingest.rates import Rates
from sv.model.errors import Unavailable
from sv.model.ingest_limits import MAX_RATE_WAIT_S, MAX_RATED_SENDERS


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def wait_s(rates: Rates, project: str, address: str, events: int = 1) -> int:
    """Seconds until the events may come, 0 where they were taken."""
    try:
        rates.take(project, address, events)
    except Unavailable as refusal:
        return refusal.retry_after_s
    return 0


def test_a_minutes_worth_is_taken_at_once_and_more_as_it_comes_back() -> None:
    clock = Clock()
    rates = Rates(10, 0, clock)
    assert wait_s(rates, "p", "192.0.2.1", 600) == 0
    clock.now_s += 1
    assert wait_s(rates, "p", "192.0.2.1", 100) == 0
    assert wait_s(rates, "p", "192.0.2.1") == 9
    clock.now_s += 8.5
    assert wait_s(rates, "p", "192.0.2.1") == 1
    clock.now_s += 0.5
    assert wait_s(rates, "p", "192.0.2.1") == 0
    assert rates.refused_events == {"address": 2, "project": 0}


def test_what_is_refused_uses_nothing_up_however_often_it_comes() -> None:
    clock = Clock()
    rates = Rates(1, 1, clock)
    assert wait_s(rates, "p", "192.0.2.1", 70) == 0
    for _ in range(5):
        assert wait_s(rates, "p", "192.0.2.1", 2000) == 10
    clock.now_s += 10
    assert wait_s(rates, "p", "192.0.2.1") == 0


def test_senders_are_an_address_or_an_ipv6_network_at_a_project() -> None:
    rates = Rates(1, 0, Clock())
    for project, address in (("p", "192.0.2.1"), ("p", "2001:db8::1"), ("p", ""), ("p", "[")):
        assert wait_s(rates, project, address, 61) == 0
    assert wait_s(rates, "p", "192.0.2.1") == 1
    assert wait_s(rates, "p", "::ffff:192.0.2.1") == 1
    assert wait_s(rates, "p", "192.0.2.2") == 0
    assert wait_s(rates, "other", "192.0.2.1") == 0
    assert wait_s(rates, "p", "2001:db8::ffff") == 1
    assert wait_s(rates, "p", "2001:db8:0:1::1") == 0


def test_a_projects_room_is_used_up_by_all_addresses_together_and_not_by_those_that_are_refused() -> None:
    rates = Rates(1, 2, Clock())
    assert wait_s(rates, "p", "192.0.2.1", 65) == 0
    assert wait_s(rates, "p", "192.0.2.1", 2000) == 5
    assert wait_s(rates, "p", "192.0.2.2", 57) == 0
    assert wait_s(rates, "p", "192.0.2.3") == 1
    assert wait_s(rates, "other", "192.0.2.3") == 0
    assert rates.refused_events == {"address": 2000, "project": 1}


def test_without_limits_nothing_is_refused_or_remembered() -> None:
    rates = Rates(0, 0, Clock())
    assert all(wait_s(rates, "p", "192.0.2.1", 2000) == 0 for _ in range(1000))


def test_nobody_is_told_to_wait_longer_than_ten_minutes() -> None:
    rates = Rates(0.001, 0, Clock())
    assert wait_s(rates, "p", "192.0.2.1", 2000) == 0
    assert wait_s(rates, "p", "192.0.2.1") == MAX_RATE_WAIT_S


def test_of_too_many_senders_the_one_that_sent_longest_ago_is_forgotten() -> None:
    rates = Rates(1, 0, Clock())
    assert wait_s(rates, "p", "192.0.2.1", 100) == 0
    assert wait_s(rates, "p", "192.0.2.2", 100) == 0
    for number in range(MAX_RATED_SENDERS - 1):
        assert wait_s(rates, f"{number}", "192.0.2.1") == 0
    assert wait_s(rates, "p", "192.0.2.2") == 40
    assert wait_s(rates, "p", "192.0.2.1") == 0


@pytest.mark.parametrize("events", [0, 1])
def test_a_request_of_rejected_events_alone_is_refused_too_where_there_is_no_room(events: int) -> None:
    rates = Rates(1, 0, Clock())
    assert wait_s(rates, "p", "192.0.2.1", 100) == 0
    assert wait_s(rates, "p", "192.0.2.1", events) == 40
