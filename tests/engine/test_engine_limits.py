"""What ends a query: its time, its memory, its caller's mistake, a damaged file. Whatever it was, the next query is answered."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import Limits, UnreadablePart
from sv.engine.stop import Stop, Stopped
from sv.insights.events import list_events
from sv.insights.rotation import Rotation
from sv.insights.runner import Context, Kind, Runner
from sv.model.errors import Unavailable
from sv.model.part import Part
from sv.model.queries import EventsQuery
from sv.model.snapshot import Snapshot
from tests.engine.rig import LIMITS, Rig, events

FOREVER = "select count(*) from range(10000000) a(i), range(10000000) b(j) where hash(i, j) = 7"


def test_a_query_over_its_time_is_unavailable_at_once_and_the_next_one_runs(rig: Rig) -> None:
    statements = Statements(rig.database)
    for fetch in (statements.rows, statements.table):
        started = time.monotonic()
        with pytest.raises(Unavailable, match=r"longer than 0\.1 s"):
            fetch(Sql(FOREVER, {}), Limits(0.1))
        assert time.monotonic() - started < 3
    assert statements.rows(Sql("select 1", {}), Limits(0.1)) == [(1,)]


def test_all_calls_of_a_query_share_its_time(rig: Rig) -> None:
    statements = Statements(rig.database)
    limits = Limits(0.2, until_s=time.monotonic() + 0.2)
    assert statements.rows(Sql("select 1", {}), limits) == [(1,)]
    time.sleep(0.2)
    with pytest.raises(Unavailable, match=r"longer than 0\.2 s"):
        statements.rows(Sql("select 1", {}), limits)


def test_a_time_that_ends_just_after_a_statement_interrupts_no_later_one(rig: Rig) -> None:
    statements = Statements(rig.database)
    outcomes: set[str] = set()
    for number in range(60):
        try:
            statements.rows(Sql("select count(*) from range(200000) t(i) where hash(i) = 7", {}), Limits(0.0001 * (number % 20)))
            outcomes.add("answered")
        except Unavailable:
            outcomes.add("interrupted")
        assert statements.rows(Sql("select 1", {}), LIMITS) == [(1,)]
    assert outcomes


def test_a_query_over_its_memory_is_unavailable(rig: Rig) -> None:
    statements = Statements(rig.database)
    with pytest.raises(Unavailable, match="memory"):
        statements.rows(Sql("select len(list(repeat(i::varchar, 1000))) from range(3000000) t(i)", {}), LIMITS)
    assert statements.rows(Sql("select 1", {}), LIMITS) == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy (select 1) to '/tmp/outside.csv'",
        "attach '/tmp/outside.db'",
        "install httpfs",
        "set enable_external_access = true",
        "set memory_limit = '1TB'",
    ],
)
def test_the_database_reaches_nothing_outside_its_folder_and_stays_as_it_was_set(rig: Rig, statement: str) -> None:
    with pytest.raises((duckdb.Error, UnreadablePart), match=r"(?i)permission|disabled|locked|configuration|not exist"):
        Statements(rig.database).rows(Sql(statement, {}), LIMITS)


@pytest.mark.parametrize(
    "statement", ["selec 1", "select * from no_such_table", "select no_such_function(1)", "select * from '/etc/passwd'"]
)
def test_a_mistake_of_ours_is_no_damage_to_any_file(rig: Rig, statement: str) -> None:
    with pytest.raises(duckdb.Error):
        Statements(rig.database).rows(Sql(statement, {}), LIMITS)


def test_a_value_is_bound_once_for_each_type_it_comes_in() -> None:
    params = Params()
    assert params.bind(1) == params.bind(1)
    assert params.bind("1") == params.bind("1")
    names = [params.bind(value) for value in (1, True, "1", 1.0, [1], [1])]
    assert len(set(names)) == 6
    assert [params.values[name[1:]] for name in names] == [1, True, "1", 1.0, [1], [1]]


# ---- The runner ----


class Store:
    """The rig's events as the runner gets them from the store."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.checked: list[list[str]] = []
        self.writes = 0

    @contextmanager
    def snapshot(self, project_id: str, from_ms: int, to_ms: int) -> Generator[Snapshot]:
        yield self.rig.snapshot(project_id).within(from_ms, to_ms)

    def version(self) -> int:
        return self.writes

    def check(self, parts: Any) -> int:
        self.checked.append([part.path for part in parts])
        bad = [part for part in parts if not self.rig.tables.is_readable(self.rig.folder / part.path)]
        self.rig.parts = [part for part in self.rig.parts if part not in bad]
        return len(bad)


@contextmanager
def running(rig: Rig, store: Store, **options: Any) -> Generator[Runner]:
    settings: dict[str, Any] = {
        "timeout_s": 30.0,
        "max_wait_s": 30.0,
        "max_running": 2,
        "max_waiting": 2,
        "threads": 2,
        **options,
    }
    runner = Runner(
        open_engine=lambda: rig.engine, events=store, catch_up=lambda: None, check_parts=store.check,
        lower_priority=lambda: None,
        **settings,
    )  # fmt: skip
    try:
        yield runner
    finally:
        runner.close()


def test_whoever_asked_is_told_in_time_though_the_query_waits_for_what_can_not_be_interrupted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sv.insights.runner.GRACE_S", 0.1)
    store = Store(rig)
    rig.buffer(rig.batch(events("ann: e@0m")))

    told = threading.Event()

    async def ask() -> None:
        with running(rig, store, timeout_s=1.0, max_running=1) as runner:
            with pytest.raises(Unavailable, match="longer than 1 s"):
                await runner.run("p", (0, 2**42), lambda _: told.wait(60))
            assert not told.is_set()
            assert runner.lanes[Kind.QUERY].queue.running == 1  # its place is taken for as long as it runs
            told.set()
            assert await runner.run("p", (0, 2**42), listed) == ["e"]
            assert runner.stopped == {"timeout": 1}

    asyncio.run(ask())


def test_a_short_insight_has_its_turn_in_the_midst_of_a_long_one_and_a_page_needs_none(rig: Rig) -> None:
    rig.buffer(rig.batch(events("ann: e@0m")))
    answered: list[str] = []
    has_begun = threading.Event()

    def work_long(context: Context) -> bool:
        has_begun.set()
        until_s = time.monotonic() + 20
        while "short" not in answered and time.monotonic() < until_s:
            context.limits.check()
        return "short" in answered

    def work_short(context: Context) -> None:
        assert listed(context) == ["e"]
        answered.append("short")

    def work_page(context: Context) -> bool:
        return context.limits.pause is None

    async def ask() -> None:
        rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=60.0)
        with running(rig, Store(rig), rotation=rotation) as runner:
            long = asyncio.ensure_future(runner.run("p", (0, 2**42), work_long))
            assert await asyncio.to_thread(has_begun.wait, 20)
            assert await runner.run("p", (0, 2**42), work_page, kind=Kind.PAGE)
            await runner.run("p", (0, 2**42), work_short)
            assert await long

    asyncio.run(ask())


def test_a_page_waits_for_no_filter(rig: Rig) -> None:
    """Filters, which may have to look at every event, have all the places that there are for them."""
    rig.buffer(rig.batch(events("ann: e@0m")))
    is_answered = threading.Event()
    begun = threading.Semaphore(0)

    def work_slow(_: Context) -> bool:
        begun.release()
        return is_answered.wait(20)

    async def ask() -> None:
        with running(rig, Store(rig)) as runner:
            places = runner.lanes[Kind.SEARCH].queue.places
            slow = [asyncio.ensure_future(runner.run("p", (0, 2**42), work_slow, kind=Kind.SEARCH)) for _ in range(places + 1)]
            for _ in range(places):
                assert await asyncio.to_thread(begun.acquire, timeout=20)
            assert await runner.run("p", (0, 2**42), listed, kind=Kind.PAGE) == ["e"]
            assert runner.lanes[Kind.SEARCH].queue.waiting == 1
            is_answered.set()
            assert all(await asyncio.gather(*slow))

    asyncio.run(ask())


def test_what_runs_elsewhere_takes_no_turn(rig: Rig) -> None:
    begun, is_other_done = threading.Event(), threading.Event()

    def work(context: Context) -> bool:
        begun.set()
        return is_other_done.wait(20)

    def beside(context: Context) -> bool:
        is_other_done.set()
        return context.limits.pause is None

    async def ask() -> None:
        rotation = Rotation(1, lambda: True, longest_wait_s=60.0)
        with running(rig, Store(rig), rotation=rotation) as runner:
            first = asyncio.ensure_future(runner.run("p", (0, 2**42), work))
            assert await asyncio.to_thread(begun.wait, 20)
            assert await runner.run("p", (0, 2**42), beside, takes_turns=False)
            assert await first

    asyncio.run(ask())


def test_what_was_stopped_while_it_waited_for_its_turn_does_no_work(rig: Rig) -> None:
    begun, goes = threading.Event(), threading.Event()
    done: list[str] = []

    def work(context: Context) -> bool:
        begun.set()
        return goes.wait(20)

    async def ask() -> None:
        rotation = Rotation(1, lambda: True, longest_wait_s=60.0)
        with running(rig, Store(rig), rotation=rotation) as runner:
            first = asyncio.ensure_future(runner.run("p", (0, 2**42), work))
            assert await asyncio.to_thread(begun.wait, 20)
            waiting = asyncio.ensure_future(runner.run("p", (0, 2**42), lambda _: done.append("worked")))
            await asyncio.to_thread(until, lambda: len(rotation._waiting) > 0)  # pyright: ignore[reportPrivateUsage]
            waiting.cancel()
            await asyncio.wait((waiting,))
            goes.set()
            assert await first
        assert done == []

    asyncio.run(ask())


def until(is_so: Callable[[], bool]) -> None:
    last_s = time.monotonic() + 20
    while not is_so() and time.monotonic() < last_s:
        time.sleep(0.002)
    assert is_so()


def test_a_stopped_question_waits_for_no_turn() -> None:
    stop, paused = Stop(), 0

    def pause() -> None:
        nonlocal paused
        paused += 1
        stop.set()

    limits = Limits(1.0, stop=stop, pause=pause)
    for _ in range(2):
        with pytest.raises(Stopped):
            limits.check()
    assert paused == 1


def listed(context: Context) -> list[str]:
    return [item["event"] for item in list_events(context, EventsQuery())["data"]]


def test_a_query_over_a_damaged_part_is_answered_from_the_others(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    parts: list[Part] = []
    for name in ("first", "second"):
        parts += rig.flush(rig.buffer(rig.batch(events(f"ann: {name}@0m"))))
    rig.buffer(rig.batch(events("ann: third@0m")))
    (rig.folder / parts[0].path).write_bytes(b"PAR1" + bytes(parts[0].bytes - 8) + b"PAR1")
    store = Store(rig)
    with running(rig, store) as runner:
        assert asyncio.run(runner.run("p", (0, 2**42), listed)) == ["third", "second"]
        assert asyncio.run(runner.run("p", (0, 2**42), listed)) == ["third", "second"]
    assert len(store.checked) == 1
    assert "damaged" in caplog.text


def test_a_query_that_fails_though_every_part_is_whole_is_unavailable(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.flush(rig.buffer(rig.batch(events("ann: e@0m"))))

    def broken(context: Context) -> None:
        Statements(rig.database).rows(Sql("select 'x'::integer", {}), context.limits)

    store = Store(rig)
    with running(rig, store) as runner:
        for _ in range(2):
            with pytest.raises(Unavailable, match="log"):
                asyncio.run(runner.run("p", (0, 2**42), broken))
        assert asyncio.run(runner.run("p", (0, 2**42), listed)) == ["e"]
        with pytest.raises(Unavailable, match="log"):  # of another project, whose files may be the damaged ones
            asyncio.run(runner.run("q", (0, 2**42), broken))
    assert len(store.checked) == 2
    assert "ConversionException" in caplog.text
    assert "all files of that query can be read" in caplog.text


def test_a_query_that_fails_leaves_nothing_in_memory(rig: Rig) -> None:
    """Not even until Python's collector comes, which counts objects and not their bytes."""
    held: list[weakref.ref[Any]] = []

    def too_much(_: Context) -> None:
        try:
            read = np.ones(1000)
            held.append(weakref.ref(read))
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            kept = np.ones(1000)
            held.append(weakref.ref(kept))
            raise Unavailable("too much") from error

    async def ask(runner: Runner) -> None:
        for same in (None, "question"):
            with pytest.raises(Unavailable, match="too much"):
                await runner.run("p", (0, 2**42), too_much, same=same)

    rig.buffer(rig.batch(events("ann: e@0m")))
    gc.disable()
    try:
        with running(rig, Store(rig)) as runner:
            asyncio.run(ask(runner))
            assert [each() is None for each in held] == [True] * 4
    finally:
        gc.enable()


def test_queries_beyond_the_line_are_refused_and_the_line_goes_on(rig: Rig) -> None:
    rig.buffer(rig.batch(events("ann: e@0m")))

    def slow(context: Context) -> list[str]:
        time.sleep(0.05)
        return listed(context)

    async def ask(runner: Runner) -> list[Any]:
        return await asyncio.gather(*(runner.run("p", (0, 2**42), slow) for _ in range(6)), return_exceptions=True)

    with running(rig, Store(rig)) as runner:
        answers = asyncio.run(ask(runner))
        assert [answer for answer in answers if not isinstance(answer, Exception)] == [["e"]] * 4
        assert all(isinstance(answer, Unavailable) for answer in answers if isinstance(answer, Exception))
        assert runner.queries == 0


def test_a_query_may_take_its_time_and_no_more_whatever_it_asks(rig: Rig) -> None:
    def endless(context: Context) -> None:
        while True:
            listed(context)

    rig.buffer(rig.batch(events("ann: e@0m")))
    with running(rig, Store(rig), timeout_s=0.3) as runner:
        started = time.monotonic()
        with pytest.raises(Unavailable, match=r"longer than 0\.3 s"):
            asyncio.run(runner.run("p", (0, 2**42), endless))
        assert time.monotonic() - started < 3


def test_a_database_opens_again_on_the_same_folder(tmp_path: Path) -> None:
    for _ in range(2):
        rig = Rig(tmp_path)
        rig.flush(rig.buffer(rig.batch(events("ann: e@0m"))))
        assert len(rig.rows()) == 1
        rig.close()
