"""Commands on a data folder that isn't there: none but those that serve makes one, and each says what may be meant."""

from pathlib import Path

import pytest

from sv.cli import main
from sv.cli.fixed_clock import FixedServer
from sv.meta.errors import FolderDamaged, FolderUnusable
from sv.model.data_folder import CATALOG
from sv.server import Server
from sv.settings import Settings


@pytest.mark.parametrize(
    "words",
    [
        ["compact"],
        ["person", "erase", "ann", "--project", "shop"],
        ["person", "export", "ann", "--project", "shop"],
        ["project", "list"],
        ["export", "--project", "shop", "--output", "out.ndjson"],
        ["sql", "select 1"],
        ["check"],
        ["backup", "copy"],
    ],
)
def test_a_folder_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main([*words, "--data", str(tmp_path / "datta")]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'datta'} is no data folder" in said or f"no server runs on {tmp_path / 'datta'}" in said
    assert "with --data" in said or "another folder (--data)" in said
    assert list(tmp_path.iterdir()) == []


def folder_without_catalog(path: Path) -> tuple[Path, Path]:
    """A data folder that has lost its `sv.db`, and an event file in it."""
    kept = path / "data" / "events" / "project=shop" / "day=2025-01-31" / "merge-a.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PAR1")
    return path / "data", kept


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ["user", "list"],
        ["project", "create", "Shop"],
        ["token", "list"],
        ["compact"],
        ["person", "erase", "ann", "--project", "shop"],
        ["export", "--project", "shop", "--output", "out.ndjson"],
        ["sql", "select 1"],
        ["backup", "copy"],
    ],
)
def test_a_catalog_that_is_lost_is_made_by_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], is_there: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    data, kept = folder_without_catalog(tmp_path)
    if is_there:
        (data / CATALOG).touch()
    assert main([*words, "--data", str(data)]) == 1
    assert (
        f"sv: {data} has event files and no sv.db, which lists them. Make a new folder of the last backup"
        in capsys.readouterr().err
    )
    assert kept.exists()
    assert is_there == (data / CATALOG).exists()
    assert not is_there or (data / CATALOG).stat().st_size == 0


def test_nor_does_a_server_whose_clock_stands(tmp_path: Path) -> None:
    data, kept = folder_without_catalog(tmp_path)
    server = FixedServer(Settings(data=data), 0)
    with pytest.raises(FolderDamaged, match="has event files and no sv"):
        server.open()
    server.lock.release()
    assert kept.exists()
    assert not (data / CATALOG).exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [(["user", "list"], "is no data folder yet"), (["backup", "copy"], "is no data folder"), (["check"], "1 thing is wrong")],
)
def test_a_catalog_without_a_byte_is_none_and_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CATALOG).touch()
    assert main([*words, "--data", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert told in said.out + said.err
    assert (tmp_path / CATALOG).stat().st_size == 0


def test_where_a_folder_is_missing_a_running_server_may_be_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.ndjson").write_text('{"event": "view", "userId": "ann"}\n')
    assert main(["import", str(tmp_path / "f.ndjson"), "--project", "shop", "--data", str(tmp_path / "datta")]) == 1
    assert "Import into a running server: --url URL --api-token TOKEN" in capsys.readouterr().err


def test_a_folder_without_projects_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = Server(Settings(data=tmp_path / "data"))
    server.open()
    for project in server.projects.list_all():
        server.projects.delete(project.id, now_ms=0)
    server.close()
    assert main(["export", "--project", "shop", "--output", "out.ndjson", "--data", str(tmp_path / "data")]) == 1
    assert "has no project yet; `sv project create NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["user", "list"],
        ["compact"],
        ["person", "erase", "ann", "--project", "shop"],
        ["import", "events.ndjson", "--project", "shop"],
        ["export", "--project", "shop", "--output", "out.ndjson"],
        ["backup", "another"],
        ["check"],
        ["check", "--repair"],
    ],
)
def test_a_backup_is_taken_for_no_data_folder_and_what_makes_one_of_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.ndjson").write_text('{"event": "view", "userId": "ann"}\n', "utf-8")
    copy = tmp_path / "copy"
    (copy / "files").mkdir(parents=True)
    (copy / "backup.json").write_text("{}", "utf-8")
    assert main([*words, "--data", str(copy)]) == 1
    assert (
        f"sv: {copy} holds a backup and is no data folder; `sv restore {copy} --data FOLDER` makes one" in capsys.readouterr().err
    )
    assert {path.name for path in copy.iterdir()} <= {"files", "backup.json", "sv.lock"}


def test_nor_is_it_by_a_server(tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text("{}", "utf-8")
    server = Server(Settings(data=tmp_path))
    with pytest.raises(FolderUnusable, match="holds a backup"):
        server.open()
    assert {path.name for path in tmp_path.iterdir()} == {"backup.json", "sv.lock"}
