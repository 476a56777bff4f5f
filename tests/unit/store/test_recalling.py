"""Reading back the clients' event ids: many files by one statement, none twice, and not for long where the server ends."""

from pathlib import Path
from typing import Any

import pytest

from sv.model.errors import Unavailable
from sv.model.part import Part
from sv.store import recalling
from sv.store.catalog import Catalog
from sv.store.recalling import recall_event_ids

FOLDER = Path("/data")


class FakeTables:
    """Remembers the files of each statement that succeeded. refused: files that none can read; those of `damaged` for good."""

    def __init__(self, *, refused: set[int] | None = None, damaged: set[int] | None = None) -> None:
        self.refused = refused or set()
        self.damaged = damaged or set()
        self.statements: list[list[int]] = []

    def recall_event_ids(self, parts: list[tuple[str, Path]], since_ms: int) -> None:
        numbers = [int(path.stem) for _, path in parts]
        assert all(project_id == f"p{number % 3}" for number, (project_id, _) in zip(numbers, parts, strict=True))
        if (self.refused | self.damaged) & set(numbers):
            raise Unavailable("no")
        self.statements.append(numbers)

    def has_recalled(self, path: Path) -> bool:
        return int(path.stem) in self.files

    def is_readable(self, path: Path) -> bool:
        return int(path.stem) not in self.damaged

    @property
    def files(self) -> list[int]:
        return sorted(number for numbers in self.statements for number in numbers)


def catalog_of(count: int, *, rows: int = 1) -> Catalog:
    """Received at 0, 1, 2, …, of three projects."""
    return Catalog(
        [
            Part(
                part_id=number, project_id=f"p{number % 3}", path=f"{number}.parquet", day=None, rows=rows, bytes=1,
                min_ts_ms=0, max_ts_ms=0, min_received_ms=0, max_received_ms=number,
            )
            for number in range(count)
        ]
    )  # fmt: skip


def recall(catalog: Catalog, tables: Any, **further: Any) -> None:
    recall_event_ids(FOLDER, catalog, tables, 2, **further)


@pytest.mark.parametrize(
    ("rows", "statements"), [(1, 4), (recalling.STATEMENT_ROWS // 2, 500), (recalling.STATEMENT_ROWS * 2, 1000)]
)
def test_one_statement_reads_many_files_but_not_too_many_rows(rows: int, statements: int) -> None:
    tables = FakeTables()
    recall(catalog_of(1002, rows=rows), tables)
    assert tables.files == list(range(2, 1002))
    assert len(tables.statements) == statements


def test_a_damaged_file_keeps_no_other_from_being_read() -> None:
    tables = FakeTables(damaged={7})
    recall(catalog_of(20), tables)
    assert tables.files == [number for number in range(2, 20) if number != 7]


def test_after_a_fault_the_next_try_reads_what_is_left() -> None:
    tables, catalog = FakeTables(refused={7}), catalog_of(1000)
    with pytest.raises(Unavailable):
        recall(catalog, tables)
    assert tables.files
    tables.refused.clear()
    recall(catalog, tables)
    assert tables.files == list(range(2, 1000))
    catalog.replace(parts=[7], by=())
    assert [part.part_id for part in catalog.unread_parts()] == [7]  # nobody holds it any more


def test_where_the_server_ends_many_files_are_left_and_few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalling, "LAST_FILES", 300)
    tables, catalog = FakeTables(), catalog_of(602)
    with pytest.raises(Unavailable, match="the event ids of 600 files would have to be read first"):
        recall(catalog, tables, is_ending=lambda: True)
    recall(catalog_of(302), tables, is_ending=lambda: True)
    assert tables.files == list(range(2, 302))


def test_a_recalling_ends_soon_once_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalling, "LAST_FILES", 0)
    tables = FakeTables()
    with pytest.raises(Unavailable):
        recall(catalog_of(1002), tables, is_ending=lambda: bool(tables.statements))
    assert len(tables.files) == recalling.STATEMENT_FILES
