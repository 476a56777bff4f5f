"""A page of persons or of sessions takes as many steps of SQLite's however many there are; counted, since times say little on a busy machine.

What the index of texts does by itself is not among the steps: it is asked for a bounded number of persons each time.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sv.meta.connection import connect_reader
from sv.meta.db import Row, Value
from sv.meta.rollups import merged_persons, person_lists
from sv.meta.rollups.merged_persons import MergedPersons
from sv.meta.rollups.session_lists import SessionLists
from sv.model.calendar import DateRange
from sv.model.limits import DAY_MS, MINUTE_MS
from sv.model.persons import PersonFilter
from sv.model.sessions import SessionFilter
from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig

FEW, MANY = 500, 4000
LIMIT = 10
MORE = 1.3
"""Times the steps that are still the same: trees are deeper, and a search for one finds some more who are nearly meant."""

SEARCHES = ("example", "user 499", "nobody like that", "@m", "#r", "##")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("growth"))
    for project, count in (("few", FEW), ("many", MANY)):
        for start in range(0, count, 2000):
            events = [a_visit(place) for place in range(start, min(start + 2000, count))]
            rig.send(project, events)
        rig.rollups.catch_up()
    yield rig
    rig.close()


def a_visit(place: int) -> Event:
    """Of a person of its own, in a session of its own. The first one alone has `#r` in the email."""
    mark = "#r" if place == 0 else ""
    properties = {
        "$set": {"email": f"{place}@mail{mark}.example"}, "$country": "IS" if place % 100 == 0 else "DE",
        "$browser": f"browser {place % 3}", "$device_type": f"device {place % 2}", "$current_url": f"https://x.io/{place % 7}",
    }  # fmt: skip
    at = NOON + place * MINUTE_MS
    return {"event": "$pageview", "timestamp": at, "userId": f"user {place}", "sessionId": f"s {place}", "properties": properties}


class Steps:
    """Counts, in tens, what SQLite does for what is read through the rig's metadata."""

    def __init__(self, rig: RollupRig, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tens = 0
        self._path = path
        monkeypatch.setattr(rig.meta, "rows", self._rows)

    def _rows(self, sql: str, *values: Value) -> list[Row]:
        with closing(connect_reader(self._path)) as reader:
            reader.set_progress_handler(self._count, 10)
            return reader.execute(sql, values).fetchall()

    def _count(self) -> bool:
        self.tens += 1
        return False


@pytest.fixture
def steps(rig: RollupRig, monkeypatch: pytest.MonkeyPatch) -> Steps:
    for module in (person_lists, merged_persons):
        monkeypatch.setattr(module, "NEAR", 50)
    return Steps(rig, rig.folder / "sv.db", monkeypatch)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("identity", ["forward", "merged"])
def test_a_search_for_persons_takes_no_more_of_many(rig: RollupRig, steps: Steps, search: str, identity: str) -> None:
    lists = MergedPersons(rig.meta, rig.builds) if identity == "merged" else rig.lists
    taken: dict[str, tuple[int, int]] = {}
    for project in ("few", "many"):
        steps.tens = 0
        found = lists.page(project, PersonFilter(search=search), 1 << 62, LIMIT)
        taken[project] = steps.tens, len({person.number for person in found})
    assert taken["few"][1] == taken["many"][1]
    assert taken["many"][0] <= taken["few"][0] * MORE, taken


@pytest.mark.parametrize(
    "wanted",
    [
        SessionFilter(),
        SessionFilter(country="IS"),
        SessionFilter(browser="browser 2"),
        SessionFilter(device_type="device 1"),
        SessionFilter(entry_url="https://x.io/3"),
        SessionFilter(is_bounce=True),
        SessionFilter(min_duration_ms=DAY_MS),
        SessionFilter(max_duration_ms=MINUTE_MS),
        SessionFilter(dates=DateRange(NOON, NOON + 120 * MINUTE_MS)),
        SessionFilter(distinct_id="user 7"),
    ],
    ids=str,
)
def test_a_page_of_sessions_takes_no_more_of_many(rig: RollupRig, steps: Steps, wanted: SessionFilter) -> None:
    lists = SessionLists(rig.meta, rig.builds)
    taken: dict[str, tuple[int, int]] = {}
    for project in ("few", "many"):
        steps.tens = 0
        found = lists.page(project, wanted, None, 5)
        taken[project] = steps.tens, len(found)
    assert taken["few"][1] == taken["many"][1]
    assert taken["many"][0] <= taken["few"][0] * MORE, taken
