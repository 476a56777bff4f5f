"""Who may read what lies in a data folder: its user alone, whatever the folder around it lets others do."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sv.cli import keep_others_from_writing, main
from sv.server import Server
from sv.settings import Settings

OPEN_ALREADY = 0o755


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    mask = os.umask(0o022)
    yield
    os.umask(mask)


def filled(data: Path) -> None:
    """With events in files and in the log, keys and answers."""
    server = Server(Settings(data=data))
    server.open()
    server.projects.create("Shop", token="sv_pub_shop", now_ms=0, project_id="shop")
    server.close()
    lines = data.parent / "events.ndjson"
    lines.write_text('{"event": "view", "userId": "ann", "timestamp": 1700000000000}\n' * 300)
    assert main(["import", str(lines), "--data", str(data), "--project", "shop"]) == 0


def open_to_others(folder: Path) -> list[str]:
    """What others could read, though no folder around it kept them out."""
    return [path.name for path in folder.iterdir() if path.name != "sv.lock" and path.stat().st_mode & 0o077]


def test_a_new_data_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    filled(tmp_path / "in" / "data")
    assert (tmp_path / "in" / "data").stat().st_mode & 0o777 == 0o700


def test_what_is_made_in_a_folder_that_was_there_is_for_its_user_alone(tmp_path: Path) -> None:
    data, copy, again = (tmp_path / name for name in ("data", "copy", "again"))
    for folder in (data, copy, again):
        folder.mkdir(mode=OPEN_ALREADY)
    filled(data)
    assert any((data / "events").glob("*/*/*.parquet"))
    assert open_to_others(data) == []
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    assert open_to_others(copy) == ["backup.json"]
    assert main(["restore", str(copy), "--data", str(again)]) == 0
    assert any((again / "events").glob("*/*/*.parquet"))
    assert open_to_others(again) == []
    assert [folder.stat().st_mode & 0o777 for folder in (data, again)] == [OPEN_ALREADY] * 2


def test_whatever_mask_a_service_is_given_others_may_not_write_what_it_makes(tmp_path: Path) -> None:
    """Who may change the folder above could put another one into the place of the data folder, or another list of files into a backup's."""
    os.umask(0)
    keep_others_from_writing()
    data, copy = tmp_path / "above" / "in" / "data", tmp_path / "copy"
    copy.mkdir(mode=OPEN_ALREADY)
    filled(data)
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    made = [*(tmp_path / "above").rglob("*"), *copy.rglob("*")]
    assert len(made) > 20
    assert [path for path in made if path.stat().st_mode & 0o022] == []
