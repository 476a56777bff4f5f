"""Which files lie in the folders of a project's days, as each start looks for them."""

from pathlib import Path

from sv.model.part import NewPart, Part
from sv.store.files import files_of_days, part_path


def test_files_of_days_are_named_as_the_catalog_names_them(tmp_path: Path) -> None:
    wanted = {
        part_path("shop", "2026-01-31", "merge-1"),
        part_path("shop", None, "flush-1"),
        part_path("other", "2026-02-01", "a"),
    }
    others = ["events/elsewhere/day=2026-01-31/x.parquet", "events/project=shop/x.parquet", "events/project=shop/other/x.parquet"]
    for name in (*wanted, *others, "keys/project=shop/day=2026-01-31/merge-1.keys"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert set(files_of_days(tmp_path, "events")) == wanted
    assert list(files_of_days(tmp_path, "keys")) == ["keys/project=shop/day=2026-01-31/merge-1.keys"]
    assert list(files_of_days(tmp_path, "nowhere")) == []


def test_a_key_file_lies_beside_its_part() -> None:
    path = part_path("a.parquet.b", None, "merge-0.1")
    new = NewPart(
        project_id="a", path=path, day=None, rows=1, bytes=1, min_ts_ms=0, max_ts_ms=0, min_received_ms=0, max_received_ms=0
    )
    assert Part.recorded(new, 1).keys_path == "keys/project=a.parquet.b/day=mixed/merge-0.1.keys"
