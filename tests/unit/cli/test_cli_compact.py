"""`sv compact` where the disk has no room to write `sv.db` anew: what was merged is told all the same."""

import json
from pathlib import Path

import pytest

from sv.cli import main
from sv.meta.db import Meta
from sv.model.errors import DiskRefuses
from sv.server import Server
from sv.settings import Settings


def test_a_disk_without_room_for_a_smaller_catalog_keeps_nothing_from_being_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    server = Server(Settings(data=data))
    server.open()
    server.close()

    def refuse(_: Meta, scratch: Path) -> bool:
        raise DiskRefuses(f"no room in {scratch.name}")

    monkeypatch.setattr(Meta, "shrink", refuse)
    assert main(["compact", "--data", str(data), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"merges": 0, "files_before": 0, "files_after": 0, "catalog_bytes_freed": 0}
    assert "the event files are merged and nothing is lost, but sv.db could not be written anew: no room in spill" in said.err
