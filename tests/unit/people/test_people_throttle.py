"""How often somebody may try a wrong password. The clock is the test's."""

import pytest

from sv.model.errors import RateLimited
from sv.model.limits import LOGIN_TRIES_OF_ADDRESS, LOGIN_TRIES_OF_EMAIL, LOGIN_TRY_EVERY_S, MAX_THROTTLED
from sv.people.throttle import Refusals, Throttle


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock, Refusals())


def tries(throttle: Throttle, address: str, email: str, count: int) -> list[int | None]:
    """Of each try how long it has to wait; None for one that may be made."""
    waits: list[int | None] = []
    for _ in range(count):
        try:
            throttle.take(address, email)
            waits.append(None)
        except RateLimited as refused:
            waits.append(refused.retry_after_s)
    return waits


def test_after_the_last_try_one_comes_back_every_so_often(throttle: Throttle, clock: Clock) -> None:
    assert tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL) == [None] * LOGIN_TRIES_OF_EMAIL
    assert tries(throttle, "1.2.3.4", "ann@example.com", 1) == [LOGIN_TRY_EVERY_S]
    clock.now_s += LOGIN_TRY_EVERY_S - 0.5
    assert tries(throttle, "1.2.3.4", "ann@example.com", 1) == [1]
    clock.now_s += 0.5
    assert tries(throttle, "1.2.3.4", "ann@example.com", 2) == [None, LOGIN_TRY_EVERY_S]


def test_another_case_of_an_address_is_the_same_account(throttle: Throttle) -> None:
    tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL)
    assert tries(throttle, "5.6.7.8", " ANN@Example.COM", 1) == [LOGIN_TRY_EVERY_S]


def test_one_place_may_not_try_one_account_after_the_other(throttle: Throttle) -> None:
    for number in range(LOGIN_TRIES_OF_ADDRESS):
        assert tries(throttle, "2001:db8::1", f"{number}@example.com", 1) == [None]
    assert tries(throttle, "2001:db8::ffff", "one@example.com", 1) == [LOGIN_TRY_EVERY_S]  # the same customer
    assert tries(throttle, "2001:db8:0:1::1", "one@example.com", 1) == [None]
    assert tries(throttle, "::ffff:1.2.3.4", "two@example.com", 1) == [None]


def test_a_right_password_gives_the_account_all_its_tries_back_and_the_place_that_one(throttle: Throttle) -> None:
    tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL)
    throttle.give_back("1.2.3.4", "ann@example.com")
    assert tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL) == [None] * LOGIN_TRIES_OF_EMAIL
    rest = LOGIN_TRIES_OF_ADDRESS - 2 * LOGIN_TRIES_OF_EMAIL + 1
    waits = [wait for number in range(rest + 1) for wait in tries(throttle, "1.2.3.4", f"{number}@example.com", 1)]
    assert waits == [None] * rest + [LOGIN_TRY_EVERY_S]


def test_a_refused_try_costs_nobody_anything(throttle: Throttle) -> None:
    tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL)
    tries(throttle, "5.6.7.8", "ann@example.com", 100)
    assert tries(throttle, "5.6.7.8", "bob@example.com", LOGIN_TRIES_OF_EMAIL) == [None] * LOGIN_TRIES_OF_EMAIL


def test_what_is_remembered_has_a_bound(throttle: Throttle) -> None:
    tries(throttle, "1.2.3.4", "ann@example.com", LOGIN_TRIES_OF_EMAIL)
    for number in range(MAX_THROTTLED):
        throttle.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"{number}@example.com")
    assert tries(throttle, "5.6.7.8", "ann@example.com", 1) == [None]  # forgotten, as the one seen longest ago


def test_an_address_is_one_account_however_it_is_written(throttle: Throttle) -> None:
    written = ["j\u00f6rg@example.com", " J\u00d6RG@Example.com", "jo\u0308rg@example.com", "Jo\u0308rg@example.com\n"]
    found = [tries(throttle, f"10.0.0.{nth}", written[nth % 4], 1)[0] for nth in range(LOGIN_TRIES_OF_EMAIL + 1)]
    assert found[:-1] == [None] * LOGIN_TRIES_OF_EMAIL
    assert found[-1] is not None
