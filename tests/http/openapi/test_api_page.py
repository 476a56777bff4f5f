"""docs/api.md is true: its examples are run, in order, against a fresh server, and its tables list what there is.

An example is the fenced block after `<!-- api:ask -->`; its answer the one after `<!-- api:answer STATUS varies=PATH,PATH -->`, with
nothing after the marker where the answer has no body. Fields that vary from server to server are named by their paths: names joined by
dots, `[]` after a name standing for each element.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from http_rig import running

from sv.ingest.events import DropReason
from sv.model import errors
from sv.model.filters import Operator
from sv.model.queries import Math, Mode
from sv.web.permissions import permission_of
from tests.http.openapi.openapi_rig import Route, operations, routes

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
EXAMPLE = re.compile(
    r"^<!-- api:ask -->\n```sh\n(?P<command>.*?)\n```\n\n"
    r"<!-- api:answer (?P<status>\d{3})(?: varies=(?P<varies>\S+))? -->(?:\n```json\n(?P<answer>.*?)\n```)?$",
    re.DOTALL | re.MULTILINE,
)
# Statuses go to the standard error, so that the commands are the page's, letter for letter.
CURL = 'silent\nnoproxy = "*"\nmax-time = 30\nwrite-out = "%{stderr}%{http_code}\\n"\n'


class Example(NamedTuple):
    command: str
    status: int
    varies: list[str]
    answer: str | None


def examples() -> list[Example]:
    return [
        Example(found["command"], int(found["status"]), (found["varies"] or "").split(","), found["answer"])
        for found in EXAMPLE.finditer(PAGE)
    ]


def blanked(value: Any, varies: list[str], at: str = "") -> Any:
    """The value with a mark in the place of what varies."""
    if at and at in varies:
        return "…"
    if isinstance(value, dict):
        return {name: blanked(inner, varies, f"{at}.{name}".lstrip(".")) for name, inner in value.items()}
    if isinstance(value, list):
        return [blanked(inner, varies, f"{at}[]") for inner in value]
    return value


def canonical(text: str, varies: list[str]) -> str:
    """JSON as text in one form, in which 1 and 1.0 differ."""
    return json.dumps(blanked(json.loads(text), varies), sort_keys=True, ensure_ascii=False, indent=1)


def table(heading: str) -> dict[str, str]:
    """The rows of the first table whose first column has this heading: its first cell without marks, and the row."""
    rows = PAGE.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows, heading
    return {row.split("|")[1].strip(): row for row in rows}


def words(cells: Any) -> set[str]:
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def test_every_example_gets_the_answer_that_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(CURL)
    with running("dev", environment={"SV_DISK_FREE_WARNING": "0"}) as server:
        for example in examples():
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", example.command.replace(ADDRESS, server.url)],
                env={**os.environ, "CURL_HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, f"{example.command}\n{done.stderr}"
            assert int(done.stderr.split()[-1]) == example.status, f"{example.command}\n{done.stdout}"
            if example.answer is None:
                assert done.stdout == ""
            else:
                assert canonical(done.stdout, example.varies) == canonical(example.answer, example.varies), example.command


def test_no_example_is_left_out() -> None:
    commands = re.findall(r"^ *curl ", PAGE, re.MULTILINE)
    assert len(examples()) == PAGE.count("<!-- api:ask") == PAGE.count("<!-- api:answer") == len(commands)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.command.split("\n")[0][:60])
def test_what_varies_is_there(example: Example) -> None:
    """A path that leads nowhere would blank nothing, and hide that the answer has changed."""
    assert example.answer is None or all(path in paths_of(json.loads(example.answer)) for path in example.varies if path), (
        example.varies
    )


def paths_of(value: Any, at: str = "") -> set[str]:
    if isinstance(value, dict):
        return {at}.union(*(paths_of(inner, f"{at}.{name}".lstrip(".")) for name, inner in value.items()))
    if isinstance(value, list):
        return {at}.union(*(paths_of(inner, f"{at}[]") for inner in value))
    return {at}


def test_every_error_has_its_row() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SvError)]
    rows = table("status")
    assert {(status, code) for status, row in rows.items() for code in re.findall(r"\| `([A-Z_]+)` \|", row)} == {
        (str(kind.status), kind.code) for kind in kinds
    }


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("code", {reason.value for reason in DropReason}),
        ("operator", {operator.value for operator in Operator}),
        ("math", {math.value for math in Math}),
        ("mode", {mode.value for mode in Mode}),
    ],
)
def test_a_table_lists_all_that_there_is_and_nothing_else(heading: str, known: set[str]) -> None:
    assert words(table(heading)) == known


def needs_by_route() -> dict[tuple[str, str], str]:
    """What the table of routes says that each method and path needs. `…` stands for the project's path, and for the method before it."""
    found: dict[tuple[str, str], str] = {}
    for cell, row in table("route").items():
        methods = ""
        for named, path in re.findall(r"`(?:([A-Z, ]+) )?([/…][\w/{}]+)`", cell):
            methods = named or methods
            whole = path.replace("…", "/api/v1/projects/{project_id}")
            found |= dict.fromkeys(((method, whole) for method in methods.split(", ")), row.split("|")[2])
    return found


def test_every_route_is_in_the_table_of_routes() -> None:
    assert set(needs_by_route()) == {(found.method, found.path) for found in operations().values()}


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_the_table_of_routes_says_what_the_route_asks_for(route: Route) -> None:
    needs = needs_by_route()[route.method, route.path]
    permission = permission_of(route.handler)
    assert set(re.findall(r"`(\w+)`", needs)) == ({permission.scope.value} if permission.scope else set())
    assert ("all projects" in needs) == (permission.scope is not None and permission.place == "instance")
    assert ("some project" in needs) == (permission.scope is not None and permission.place == "somewhere")
    assert ("a login session" in needs) == (permission.credential == "login session")
    assert ("project token" in needs) == (permission.credential == "project token")
    assert ("nothing" in needs) == (permission.credential == "none" or permission.is_open_here)
