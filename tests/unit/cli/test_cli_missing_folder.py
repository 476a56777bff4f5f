"""Commands on a data folder that isn't there: none but those that serve makes one, and each says what may be meant."""

from pathlib import Path

import pytest

from sv.cli import main
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
    ],
)
def test_a_folder_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main([*words, "--data", str(tmp_path / "datta")]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'datta'} is no data folder yet" in said or f"no server runs on {tmp_path / 'datta'}" in said
    assert list(tmp_path.iterdir()) == []


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
