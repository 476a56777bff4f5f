"""Definitions equal what a slow look at all events says, whatever happened to the folder meanwhile, and stay within their bounds."""

import random
import uuid
from collections.abc import Iterator

import pytest

from sv.model.limits import DAY_MS, HOUR_MS
from tests.engine.definition_rig import expected_events, expected_properties, listed_events, listed_properties, seen
from tests.engine.rig import Event
from tests.engine.rollup_rig import RECEIVED, RollupRig
from tests.engine.test_engine_rollups import check_histories

PROJECTS = 84
"""Of one example, as for persons."""

NAMES = ("$pageview", "buy", "Ünï/code %2F", "x")
TIMES = (0, -1, 20 * HOUR_MS, -HOUR_MS, -29 * DAY_MS, -30 * DAY_MS, -31 * DAY_MS, -39 * DAY_MS, -60 * DAY_MS)
NEAR = TIMES[:4]
"""More often than the others, of which each means a file of its own."""

WHOLE_DAYS = RECEIVED // DAY_MS * DAY_MS
KEYS = ("plan", "n", "when", "mixed", "q\"\\\n🙂/~1'", "$browser", "$is_bot", "utm_source", "$current_url", "a.b")
VALUES = (
    "pro", "free", "", "x" * 300, "é" * 90, 'q"\\', 1, 1.0, 0, 0.0, -0.0, 2.5, -7, 10**15, True, False, None, [], [1, None], {}, {"a": {"b": 1}},
    "2025-01-31", "2025-01-31T12:00:00.000Z", "2025-13-31", "12:00",
)  # fmt: skip


@pytest.fixture(scope="module")
def rollup_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("definitions"))
    yield rig
    rig.close()


def an_event(chance: random.Random) -> Event:
    """Any event, with a time from a few around the edges of what volumes count."""
    event: Event = {
        "event": chance.choice(NAMES),
        "timestamp": chance.choice((RECEIVED, WHOLE_DAYS)) + chance.choice(TIMES if chance.random() < 0.4 else NEAR),
        "anonymousId": "ann",
        "properties": {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(5))},
    }
    if chance.random() < 0.3:
        event["eventId"] = str(uuid.UUID(int=chance.randrange(12)))
    if chance.random() < 0.3:
        event["properties"]["$current_url"] = "https://x.example/?utm_source=news"
    return event


def test_definitions_equal_what_all_events_say_after_any_history(rollup_rig: RollupRig) -> None:
    def check(project: str, chance: random.Random) -> None:
        events = seen(rollup_rig, project)
        assert len(events) == rollup_rig.expected_count(project)
        assert listed_events(rollup_rig, project) == expected_events(events)
        assert listed_properties(rollup_rig, project) == expected_properties(events)
        name = chance.choice(NAMES)
        assert listed_properties(rollup_rig, project, name) == expected_properties(events, name)

    check_histories(rollup_rig, an_event, check, PROJECTS)
