"""Once an event is answered 202, every query sees it, once: before its flush, after it, and while it happens."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from http_rig import NOON, SECOND, Api, Running, event, running

WRITERS = 8
HAMMERED_S = 3.0
"""At least; and until each writer has asked in each way, and there were flushes in between."""
GIVEN_UP_AFTER_S = 120.0
ENOUGH = 8
DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}


@pytest.fixture
def flushing() -> Iterator[Running]:
    """A server that writes its events to files five times a second, and merges the files once a second."""
    environment = {"SV_FLUSH_SECONDS": "0.2", "SV_COMPACT_SECONDS": "1"}
    with running("dev", environment=environment) as server:
        yield server


class Hammering:
    """Until when: each writer asks, after each of its events."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._began_s = time.monotonic()

    def goes_on(self, sent: int) -> bool:
        passed_s = time.monotonic() - self._began_s
        if passed_s < HAMMERED_S:
            return True
        has_enough = sent >= ENOUGH and self._api.metric("sv_flushes_total") >= ENOUGH
        return not has_enough and passed_s < GIVEN_UP_AFTER_S


def write_and_read(api: Api, writer: int, hammering: Hammering) -> int:
    """Send an event and ask for it at once, in each way in turn. Returns how many were sent."""
    me = f"writer {writer}"
    name = f"step of {me}"
    chance = random.Random(writer)
    sent = 0
    while hammering.goes_on(sent):
        api.send(event(name, me, NOON + sent * SECOND, properties={"number": sent}))
        sent += 1
        way = sent % 4
        if way == 0:
            listed = api.listed(event=name, distinct_id=me)
            assert [found["properties"]["number"] for found in listed] == list(reversed(range(sent)))
            assert len({found["id"] for found in listed}) == sent
        elif way == 1:
            asked = api.trends(events=[{"name": name}, {"name": name, "math": "unique_persons"}], **DAY)
            assert [series["total"] for series in asked["series"]] == [sent, 1]
        elif way == 2:
            steps = [{"event": name, "properties": {"number": sent - 2}}, {"event": name, "properties": {"number": sent - 1}}]
            assert [step["count"] for step in api.funnel(steps=steps, **DAY)["steps"]] == [1, 1]
        else:
            (found,) = api.listed(event=name, properties={"number": sent - 1})
            answer = api.http.get(api.path(f"events/{found['id']}"))
            assert answer.status_code == 200
            assert answer.json() == found
        time.sleep(chance.random() * 0.02)
    return sent


def test_an_event_is_in_the_next_query_exactly_once_across_the_flush_boundary(flushing: Running) -> None:
    with Api(flushing) as api, ThreadPoolExecutor(WRITERS) as threads:
        hammering = Hammering(api)
        sent = list(threads.map(lambda writer: write_and_read(api, writer, hammering), range(WRITERS)))
        assert min(sent) >= ENOUGH
        assert api.metric("sv_flushes_total") >= ENOUGH
        listed = api.listed()
        assert len({found["id"] for found in listed}) == len(listed) == sum(sent)
        assert api.failures == []
