"""Whether the engine's threads give way: below ingest in a server, at the command's own priority where it has the folder for itself."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from sv.cli.event_source import opened_server
from sv.engine.duck.database import Database
from sv.engine.priority import GIVING_WAY_S, QUERY_NICENESS, all_thread_ids, giving_way
from sv.server import Server
from sv.settings import Settings


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
