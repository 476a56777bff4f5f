"""Many merges or rewritten files, one after the other: between two of them the disk gets back what was merged, and others have their turn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_rig import part_files
from erase_rig import ANN, erase, event, put
from folder_rig import PROJECT, Folder, now_ms

DAY_MS = 86_400_000
DAYS = 4


def fill(path: Path, persons: tuple[str, ...] = ("ann", "bob")) -> Folder:
    """Two files of each day."""
    folder = Folder(path)
    for nth in range(2):
        for day in range(DAYS):
            put(folder, *(event(ANN if who == "ann" else who, who, 10 * day + nth, now_ms() - day * DAY_MS) for who in persons))
        folder.flush()
    assert len(part_files(path)) == 2 * DAYS
    return folder


def at_each(folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str, look: Callable[[], None]) -> None:
    """Have `look` called whenever the engine is about to write a file in this way."""
    tables = folder.server.store.tables
    write = getattr(tables, name)

    def looked_at(*args: Any) -> Any:
        look()
        return write(*args)

    monkeypatch.setattr(tables, name, looked_at)


@pytest.mark.parametrize("name", ["merge_files", "write_without"])
def test_what_a_file_was_made_of_leaves_the_disk_before_the_next_one_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "data")
    seen: list[int] = []
    at_each(folder, monkeypatch, name, lambda: seen.append(len(part_files(folder.path))))
    if name == "merge_files":
        assert folder.merge() == DAYS
        assert seen == [2 * DAYS - nth for nth in range(DAYS)]
    else:
        erase(folder)
        assert seen == [2 * DAYS] * 2 * DAYS
    folder.close()


def test_between_two_merges_what_is_due_is_flushed_and_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "data")
    maintenance, store = folder.server.maintenance, folder.server.store
    held: list[int] = []

    def look() -> None:
        held.append(store.held_events())
        if len(held) == 1:
            put(folder, event("carl", "carl", 0, now_ms()))
            monkeypatch.setattr(maintenance, "_flush_after_events", 1)

    at_each(folder, monkeypatch, "merge_files", look)
    assert folder.merge() == DAYS
    assert held == [0] * DAYS
    folder.close()


def test_a_plan_of_which_a_file_is_gone_by_its_turn_is_left_for_the_next_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is erased between two merges."""
    folder = fill(tmp_path / "data")
    server = folder.server
    number = int(server.persons.number_persons(PROJECT, f'["{ANN}"]').strip("[]"))
    assert number
    merge, merged = server.maintenance._merge, []

    def merge_and_drop(plan: Any) -> None:
        merge(plan)
        merged.append(plan)
        if len(merged) == 1:
            gone = next(part for part in server.catalog.parts() if part.day not in {each.day for each in plan})
            server.parts.replace_parts([gone.part_id], [])
            server.catalog.replace(parts=[gone.part_id], by=())

    monkeypatch.setattr(server.maintenance, "_merge", merge_and_drop)
    folder.merge()
    assert len(merged) == DAYS - 1
    assert sum(part.rows for part in server.catalog.parts()) == 4 * DAYS - 2
    folder.close()
