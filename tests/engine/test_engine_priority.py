"""Whether the engine's threads give way: below ingest in a server, at the command's own priority where it has the folder for itself."""

import asyncio
import ctypes
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from sv.cli.event_source import opened_server
from sv.engine.duck.database import Database
from sv.engine.priority import (
    GIVING_WAY_S,
    QUERY_NICENESS,
    SHORT_SLICE_NS,
    all_thread_ids,
    giving_way,
    lower_own_priority,
    put_back,
    put_first,
)
from sv.server import Server
from sv.settings import Settings

Result = TypeVar("Result")

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
HAS_SLICES = sys.platform == "linux" and os.uname().machine in SCHED_GETATTR
"""Whether the system may be asked for a thread's slice. Before 6.12 Linux says 0."""


def slice_ns(thread_id: int) -> int:
    found = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(SCHED_GETATTR[os.uname().machine], thread_id, found, len(found), 0) == 0
    return int(struct.unpack_from("=IIQiIQ", found)[5])


def in_a_thread(work: Callable[[], Result]) -> Result:
    found: list[Result] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("gives_way", [True, False])
def test_the_engine_s_threads_give_way_to_ingest_where_there_is_some(tmp_path: Path, gives_way: bool) -> None:
    if not (before := set(all_thread_ids())):
        return  # elsewhere threads have no niceness of their own
    own = os.getpriority(os.PRIO_PROCESS, 0)
    database = Database(
        events_folder=tmp_path / "events", spill_folder=tmp_path / "spill", memory_bytes=64 << 20, threads=3, gives_way=gives_way
    )
    try:
        found = {os.getpriority(os.PRIO_PROCESS, thread) for thread in set(all_thread_ids()) - before}
        assert found == {QUERY_NICENESS if gives_way else own}
    finally:
        database.close()


def test_a_server_gives_way_and_a_command_on_a_folder_at_rest_does_not(tmp_path: Path) -> None:
    server = Server(Settings(data=tmp_path))
    server.open()
    server.close()
    assert server.gives_way
    with opened_server(Settings(data=tmp_path), "Read from") as opened:
        assert not opened.gives_way


def test_threads_take_turns_quickly_while_any_question_is_answered() -> None:
    ordinary = sys.getswitchinterval()
    with giving_way():
        assert sys.getswitchinterval() == pytest.approx(GIVING_WAY_S)
        with giving_way():
            pass
        assert sys.getswitchinterval() == pytest.approx(GIVING_WAY_S)
    assert sys.getswitchinterval() == pytest.approx(ordinary)
    with pytest.raises(ZeroDivisionError), giving_way():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(ordinary)


def test_a_server_s_questions_give_way_and_nothing_else_does(tmp_path: Path) -> None:
    server = Server(Settings(data=tmp_path))
    server.open()
    try:
        services = server.load_services()
        seen = asyncio.run(services.runner.call("p", sys.getswitchinterval))
        assert seen == pytest.approx(GIVING_WAY_S)
        assert sys.getswitchinterval() > GIVING_WAY_S * 2
    finally:
        server.close()


FIRST = os.SCHED_RR | os.SCHED_RESET_ON_FORK if HAS_SLICES else 0


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that lets nobody have real-time threads, as most containers do."""
    really = os.sched_setscheduler

    def refuse(thread: int, policy: int, param: os.sched_param) -> None:
        if policy & os.SCHED_RR:
            raise PermissionError(1, "Operation not permitted")
        really(thread, policy, param)

    monkeypatch.setattr(os, "sched_setscheduler", refuse)


def may_be_first() -> bool:
    """Whether this system lets us."""

    def work() -> bool:
        try:
            os.sched_setscheduler(threading.get_native_id(), FIRST, os.sched_param(1))
        except OSError:
            return False
        return True

    return len(os.sched_getaffinity(0)) > 1 and os.getpriority(os.PRIO_PROCESS, 0) <= 0 and in_a_thread(work)


def test_who_is_put_first_is_so_until_it_is_put_back_and_what_it_starts_is_not() -> None:
    if not HAS_SLICES:
        return
    expected = FIRST if may_be_first() else os.SCHED_OTHER

    def work() -> None:
        own = threading.get_native_id()
        put_first([own])
        assert os.sched_getscheduler(own) == expected
        assert in_a_thread(lambda: os.sched_getscheduler(threading.get_native_id())) == os.SCHED_OTHER
        assert subprocess.run(["chrt", "-p", "0"], capture_output=True, text=True, check=True).stdout.count("SCHED_OTHER") == 1
        put_back([own])
        assert os.sched_getscheduler(own) == os.SCHED_OTHER

    in_a_thread(lambda: [work()])


def test_nobody_is_real_time_where_there_is_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    if not HAS_SLICES:
        return
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})

    def work() -> int:
        put_first([threading.get_native_id()])
        return os.sched_getscheduler(threading.get_native_id())

    assert in_a_thread(work) == os.SCHED_OTHER


def test_nobody_is_real_time_in_a_process_that_was_niced() -> None:
    if not HAS_SLICES:
        return

    def work() -> int:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        put_first([threading.get_native_id()])
        return os.sched_getscheduler(threading.get_native_id())

    assert in_a_thread(work) == os.SCHED_OTHER


@pytest.mark.usefixtures("refused")
def test_a_short_slice_is_inherited_until_a_thread_is_lowered() -> None:
    if not HAS_SLICES:
        return  # elsewhere nothing happens, as the next test says

    def work() -> None:
        own = threading.get_native_id()
        ordinary, niceness = slice_ns(own), os.getpriority(os.PRIO_PROCESS, own)
        short = SHORT_SLICE_NS if ordinary else 0
        put_first([own])
        assert slice_ns(own) == short
        assert os.getpriority(os.PRIO_PROCESS, own) == niceness
        assert in_a_thread(lambda: slice_ns(threading.get_native_id())) == short
        lower_own_priority()
        assert slice_ns(own) == ordinary
        assert os.getpriority(os.PRIO_PROCESS, own) == QUERY_NICENESS

    in_a_thread(lambda: [work()])


def test_a_thread_that_is_gone_or_has_another_policy_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    put_back([2**22 + 1])
    put_first([2**22 + 1])  # more than Linux has
    monkeypatch.setattr(sys, "platform", "darwin")
    put_first([threading.get_native_id()])
    monkeypatch.undo()
    if not HAS_SLICES:
        return

    def work() -> int:
        own = threading.get_native_id()
        os.sched_setscheduler(own, os.SCHED_BATCH, os.sched_param(0))
        put_first([own])
        put_back([own])
        lower_own_priority()
        return os.sched_getscheduler(own)

    assert in_a_thread(work) == os.SCHED_BATCH


def test_a_server_s_ingest_is_put_first_and_what_is_below_it_is_not(tmp_path: Path) -> None:
    if not HAS_SLICES:
        return
    ordinary = in_a_thread(lambda: slice_ns(threading.get_native_id()))
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json", "--stop-on-eof", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["url"]
        threads = [int(name) for name in os.listdir(f"/proc/{server.pid}/task")]
        found = {thread: (os.getpriority(os.PRIO_PROCESS, thread), standing(thread)) for thread in threads}
    own = os.getpriority(os.PRIO_PROCESS, 0)
    first = (FIRST, 0) if may_be_first() else (os.SCHED_OTHER, SHORT_SLICE_NS if ordinary else 0)
    assert found[server.pid] == (own, first)
    assert [how for niceness, how in found.values() if niceness == own].count(first) > 1, "the log's too"
    below = [how for niceness, how in found.values() if niceness > own]
    assert below
    assert set(below) == {(os.SCHED_OTHER, ordinary)}


def test_a_server_s_ingest_is_put_back_before_the_last_flush_which_is_on_its_thread(tmp_path: Path) -> None:
    if not HAS_SLICES:
        return
    own: list[int] = []

    async def message(kind: str) -> dict[str, str]:
        own.append(os.sched_getscheduler(threading.get_native_id()))
        return {"type": f"lifespan.{kind}"}

    async def hear(_: object) -> None:
        pass

    async def live(server: Server) -> None:
        kinds = iter(("startup", "shutdown"))
        await server.front({"type": "lifespan"}, lambda: message(next(kinds)), hear)
        await message("after")

    def work() -> None:
        server = Server(Settings(data=tmp_path))
        server.open()
        try:
            asyncio.run(live(server))
        finally:
            server.close()

    in_a_thread(lambda: [work()])
    first = FIRST if may_be_first() else os.SCHED_OTHER
    assert own == [os.SCHED_OTHER, first, os.SCHED_OTHER]


def standing(thread: int) -> tuple[int, int]:
    """How the system picks a thread: its policy, and the slice of an ordinary one."""
    chosen = os.sched_getscheduler(thread)
    return chosen, slice_ns(thread) if chosen == os.SCHED_OTHER else 0
