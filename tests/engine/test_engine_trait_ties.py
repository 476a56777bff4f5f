"""Of traits with the same time the one taken in last wins, and of those set once the first: wherever the two events lie by then.

What happens between the two, and after both, is each thing that may befall a folder. Each case is told in both orders of values too, so
that neither wins for being the greater. An imported event counts as taken in later than every one that was sent, since its id has a number of its
own (`sv.store.importing`), and of two chunks of imports neither is the later one: docs/api.md says so.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig

Happening = Callable[[RollupRig], Any]


def _merge(rig: RollupRig) -> None:
    rig.maintenance.flush()
    rig.maintenance.compact(everything=True)


def _restart_from_files(rig: RollupRig) -> None:
    rig.maintenance.flush()
    rig.restart()


HAPPENINGS: Final[dict[str, Happening]] = {
    "nothing": lambda _: None,
    "a look": lambda rig: rig.rollups.catch_up(),
    "a flush": lambda rig: rig.maintenance.flush(),
    "a merge": _merge,
    "a restart out of the log": lambda rig: rig.restart(),
    "a restart from files": _restart_from_files,
}
WAYS: Final[dict[str, Callable[[RollupRig, str, list[Event]], None]]] = {"sent": RollupRig.send, "imported": RollupRig.take_chunk}


ORDERS: Final = {"ann": ("a", "b"), "bob": ("b", "a")}
"""First and second, of each person."""
EXPECTED: Final = {person: {"once": first, "said": second, "set": second} for person, (first, second) in ORDERS.items()}


@pytest.fixture(scope="module")
def kept_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    made = RollupRig(tmp_path_factory.mktemp("ties"))
    yield made
    made.close()


@pytest.fixture
def rig(kept_rig: RollupRig) -> Iterator[RollupRig]:
    """Without an event."""
    yield kept_rig
    kept_rig.reset()


def saying(nth: int) -> list[Event]:
    """Of each person their n-th value, as a trait in each way to say one, at the same time as ever."""
    return [
        {"event": "$identify", "userId": person, "timestamp": NOON, "properties": {"said": value, "$set": {"set": value}, "$set_once": {"once": value}}}
        for person, values in ORDERS.items()
        for value in [values[nth]]
    ]  # fmt: skip


def all_traits(rig: RollupRig) -> dict[str, Any]:
    return {person: json.loads(found.traits) for person, found in rig.persons("p").items()}


def rebuilt(rig: RollupRig) -> dict[str, Any]:
    """The traits as the events at rest tell them, without what was kept up to date meanwhile."""
    assert rig.rollups.rebuild("p", rig.maintenance)
    return all_traits(rig)


@pytest.mark.parametrize(
    "after", [name for name in HAPPENINGS if name not in ("a look", "a flush")]
)  # which checking does in any case
@pytest.mark.parametrize("between", HAPPENINGS)
def test_of_two_requests_the_later_one_sets_whatever_happened_between_and_since(rig: RollupRig, between: str, after: str) -> None:
    rig.send("p", saying(0))
    HAPPENINGS[between](rig)
    rig.send("p", saying(1))
    HAPPENINGS[after](rig)
    assert all_traits(rig) == EXPECTED
    assert rebuilt(rig) == EXPECTED


@pytest.mark.parametrize("is_first", [False, True], ids=["imported last", "imported first"])
@pytest.mark.parametrize("between", HAPPENINGS)
def test_what_was_imported_counts_as_the_later_one_though_it_came_first(rig: RollupRig, between: str, is_first: bool) -> None:
    def bring(is_import: bool) -> None:
        if is_import:
            rig.take_chunk("p", saying(1))
        else:
            rig.send("p", saying(0))

    bring(is_first)
    HAPPENINGS[between](rig)
    bring(not is_first)
    assert all_traits(rig) == EXPECTED
    _merge(rig)
    assert rebuilt(rig) == EXPECTED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", HAPPENINGS)
def test_within_one_request_the_one_further_down_sets_whatever_happened_since(rig: RollupRig, after: str, way: str) -> None:
    WAYS[way](rig, "p", saying(0) + saying(1))
    HAPPENINGS[after](rig)
    assert all_traits(rig) == EXPECTED
    assert rebuilt(rig) == EXPECTED


def test_the_order_outlasts_everything_at_once(rig: RollupRig) -> None:
    """One event after each thing that may happen, all of one time, and then a merge of all that it left behind."""
    for nth, happen in enumerate(HAPPENINGS.values()):
        rig.send("p", saying(nth % 2))
        happen(rig)
    _merge(rig)
    last = (len(HAPPENINGS) - 1) % 2
    expected = {person: {"once": said[0], "said": said[last], "set": said[last]} for person, said in ORDERS.items()}
    assert all_traits(rig) == expected
    assert rebuilt(rig) == expected
