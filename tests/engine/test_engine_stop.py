"""Queries that are stopped: at each step that they take, in every form in which events are held, and what they leave behind."""

import threading
import time
from typing import Any

import pytest

from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Sql
from sv.engine.port import Limits
from sv.engine.stop import Stop, Stopped
from sv.insights.funnels import funnel
from sv.insights.overview import overview
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.errors import Unavailable
from sv.model.overview_parsing import parse_overview_query
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.engine.rig import NOON, STATES, Rig, State, event

TODAY: dict[str, Any] = {"date_from": "2025-06-14", "date_to": "2025-06-16"}
STEPS: dict[str, Any] = {"steps": [{"event": "view"}, {"event": "buy"}], **TODAY}
KINDS = ("funnel", "strict funnel", "trend", "overview")
FOREVER = "select count(*) from range(10000000) a(i), range(10000000) b(j) where hash(i, j) = 7"


class StopAt(Stop):
    """Set by the n-th check."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def check(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.set()
        super().check()


def fill(rig: Rig, state: State) -> None:
    batches = [
        rig.batch([event(name, f"p{number % 7}", NOON + number * 3_600_000 + place, plan=str(number % 3), **{"$browser": "Firefox"})
                   for place, name in enumerate(("view", "cart", "buy")[: 1 + number % 3])])
        for number in range(24)
    ]  # fmt: skip
    rig.place(batches, state)


def answer_of(context: Context, kind: str) -> dict[str, Any]:
    match kind:
        case "trend":
            asked = TODAY | {"events": [{"name": "view", "math": "unique_persons"}], "breakdown": "$browser"}
            return trends(context, parse_trends_query(asked, timezone="UTC", now_ms=NOON))
        case "overview":
            return overview(context, parse_overview_query(TODAY, timezone="UTC", now_ms=NOON), NOON)
        case _:
            modes = {"modes": ["strict_order"]} if kind == "strict funnel" else {}
            return funnel(context, parse_funnel_query(STEPS | modes, timezone="UTC", now_ms=NOON))


@pytest.mark.parametrize("state", STATES)
def test_a_query_stopped_at_any_step_ends_there_and_the_next_one_answers_as_if_it_had_not_been(rig: Rig, state: State) -> None:
    fill(rig, state)
    fresh = Rig(rig.folder / "fresh")
    fill(fresh, state)
    for kind in KINDS if state == "mixed" else KINDS[STATES.index(state) % 2 :: 2]:
        stops = 0
        while True:
            stop = StopAt(stops + 1)
            context = Context(rig.engine, rig.snapshot(), Limits(60.0, stop=stop), 2)
            try:
                found = answer_of(context, kind)
            except Stopped:
                stops += 1
                assert stops < 200
            else:
                break
        assert stops >= 1
        assert found == answer_of(fresh.context(), kind)
        assert found == answer_of(rig.context(), kind)
    fresh.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_may_pause_on_its_own_thread_between_its_steps(rig: Rig, kind: str) -> None:
    fill(rig, "small")
    own = threading.get_ident()
    pauses: list[bool] = []
    limits = Limits(60.0, pause=lambda: pauses.append(threading.get_ident() == own))
    found = answer_of(Context(rig.engine, rig.snapshot(), limits, 2), kind)
    assert pauses.count(True) > (2 if kind == "overview" else 0)
    assert found == answer_of(rig.context(), kind)


def test_a_statement_that_runs_ends_soon_after_its_stop_is_set_and_another_one_never_notices(rig: Rig) -> None:
    statements = Statements(rig.database)
    stop = Stop()
    seen: list[BaseException] = []

    def ask() -> None:
        try:
            statements.rows(Sql(FOREVER, {}), Limits(600.0, stop=stop))
        except BaseException as error:
            seen.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until = time.monotonic() + 20
    while asking.is_alive() and time.monotonic() < until:
        stop.set(
            lambda: Unavailable("its time is up")
        )  # again and again: one that comes before the statement begins is forgotten
        assert statements.rows(Sql("select count(*) from range(1000)", {}), Limits(60.0, stop=Stop())) == [(1000,)]
    asking.join(1)
    assert [str(error) for error in seen] == ["its time is up"]


def test_the_first_reason_counts_and_nothing_begins_after_it(rig: Rig) -> None:
    stop = Stop()
    stop.check()
    stop.set()
    stop.set(lambda: Unavailable("later"))
    for ask in (stop.check, lambda: Statements(rig.database).rows(Sql("select 1", {}), Limits(60.0, stop=stop))):
        with pytest.raises(Stopped):
            ask()
    with pytest.raises(Stopped), stop.interrupting(lambda: None):
        pass
