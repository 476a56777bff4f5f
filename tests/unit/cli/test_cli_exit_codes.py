"""A command that was asked wrongly ends with 2, one that could not do what it was asked for with 1."""

from pathlib import Path

import pytest

from sv.cli import main
from sv.server import Server
from sv.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server = Server(Settings(data=tmp_path / "data"))
    server.open()
    for number in range(23):
        server.projects.create(f"q{number}", token=f"sv_pub_q{number}", now_ms=number, project_id=f"q{number}")
    server.close()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["check", "--memory-limit", "1"], 2, "--memory-limit"),
        (["check", "--data", "{data}/none"], 1, "is no data folder"),
        (["config", "--config", "{data}/none.toml"], 2, "--config"),
        (["dev", "--host", "0.0.0.0"], 2, "`sv serve` makes its own"),
        (["tail", "--lines", "-1"], 2, "(--lines)"),
        (["tail", "--url", "http://127.0.0.1:1", "--api-token", "sv_x"], 1, "no answer"),
        (["funnel", "one"], 2, "expected steps"),
        (["user", "role", "ann@example.com", "shop"], 2, "expected a project and a role"),
        (["user", "role", "ann@example.com", "shop", "admin"], 1, "no user"),
        (["user", "create", "no address"], 2, "email"),
        (["project", "delete", "shop", "--yes"], 1, 'no project "shop" (project_id); {data} has q22, q21, '),
        (["token", "revoke", "sv_secret"], 1, "expected the id of an API token, got a token itself (token_id)"),
        (["token", "revoke", "nightly"], 1, 'no API token "nightly" (token_id); `sv token list` has the ids'),
        (["token", "create", "nightly", "--project", "shop"], 1, " q4, q3 and 3 more"),
        (["person", "erase", "ann", "--project", "shop"], 1, " q4, q3 and 3 more (--project)"),
        (["export", "--project", "shop", "--output", "-", "--json"], 2, "(--output)"),
        (["import", "{data}/none.csv", "--project", "shop"], 1, "can't be read"),
        (["import", "-", "--project", "q1"], 2, "-: expected a file; an import reads twice"),
        (["restore", "{data}/none"], 1, "there is no {data}/none to restore"),
        (["sql", "select 1", "--limit", "0"], 2, "limit"),
        (["check-events", "--schema", "{data}/none.yml"], 2, "is not there"),
    ],
)
def test_what_was_asked_wrongly_is_told_apart(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    monkeypatch.setenv("SV_DATA", str(data))
    assert main([word.format(data=data) for word in words]) == code
    said = capsys.readouterr().err
    assert said.startswith("sv: ") and told.format(data=data) in said


def test_an_answer_has_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sql", "select 1", "--json", "--csv"])
    assert "--csv: not allowed with argument --json" in capsys.readouterr().err
