"""Rollups that have to be made from files at the start: kills in the middle leave nothing wrong, and nothing half made is read."""

from pathlib import Path

from conftest import Serve
from crash_rig import PROJECT, Server, dated, wait_for

from sv.meta.db import Meta
from sv.meta.rollups.builds import drop_rollups

PERSONS = 200


def forget_rollups(folder: Path) -> None:
    """What a folder of a release before rollups looks like."""
    with Meta.open(folder / "sv.db") as meta, meta.transaction() as writer:
        drop_rollups(writer, None)


def are_listed(server: Server) -> bool:
    status, headers, content = server.ask("GET", f"{PROJECT}/persons")
    assert status in (200, 503), content
    assert status == 200 or int(headers["retry-after"]) > 0
    return status == 200


def test_lists_are_made_from_files_at_the_start_however_often_that_is_killed(serve: Serve) -> None:
    server = serve().start()
    for nth in range(PERSONS):
        server.store(dated(f"{nth}-1", f"{nth}-2", user=f"user {nth}"))
    assert server.stop() == 0, server.log
    forget_rollups(server.folder)
    for nth in range(3):
        server.start()
        server.store(dated(f"again-{nth}", user=f"user {nth}"))
        server.kill()
    server.start()
    wait_for(lambda: are_listed(server), "the lists to be made")
    assert server.persons_listed() == server.sessions_listed() == server.by_person()
    assert server.persons_listed().total() == 2 * PERSONS + 3
    assert "Traceback" not in server.all_logs


def test_events_in_the_log_alone_are_folded_once_however_often_the_log_is_replayed(serve: Serve) -> None:
    server = serve().start()
    for nth in range(4):
        server.store(dated(f"{nth}-1", f"{nth}-2", user="ann"))
        assert server.persons_listed() == server.sessions_listed() == {"ann": 2 * nth + 2}
        server.kill()
        server.start()
    assert server.stop() == 0, server.log
    server.start()
    assert server.persons_listed() == server.sessions_listed() == {"ann": 8}
