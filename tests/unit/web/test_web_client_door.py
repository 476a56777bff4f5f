"""The browser client's files, given out from a folder: cached, compressed, and with a clear word where they are not built."""

import asyncio
import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sv.web.client_door import ClientDoor

SCRIPT = b"(() => { /* the client */ })()"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(door: ClientDoor, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("nothing reads a body here")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    assert door.takes(path)
    asyncio.run(door(scope, receive, send))
    start, body = sent
    return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sv.js").write_bytes(SCRIPT)
    (tmp_path / "sv.d.ts").write_text("export {}")
    return tmp_path


def door_of(folder: Path) -> ClientDoor:
    return ClientDoor(lambda _: None, lambda _: None, script_path="/sv.js", recorder_path="/recorder.js", folder=folder)


def test_a_script_is_given_to_any_origin_as_a_script_and_kept_for_an_hour(folder: Path) -> None:
    answer = ask(door_of(folder), "/sv.js")
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-length"] == str(len(SCRIPT))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("public, max-age=3600")


def test_who_takes_gzip_gets_it_under_another_etag(folder: Path) -> None:
    door = door_of(folder)
    plain, zipped = ask(door, "/sv.js"), ask(door, "/sv.js", {"accept-encoding": "gzip, br"})
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == zipped.headers["vary"] == "accept-encoding"
    assert plain.headers["etag"] != zipped.headers["etag"]


def test_who_has_it_already_gets_304_without_a_body(folder: Path) -> None:
    door = door_of(folder)
    tag = ask(door, "/sv.js").headers["etag"]
    again = ask(door, "/sv.js", {"if-none-match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert ask(door, "/sv.js", {"if-none-match": '"another"'}).status == 200


def test_a_script_that_was_built_anew_is_given_out_anew(folder: Path) -> None:
    door = door_of(folder)
    old = ask(door, "/sv.js").headers["etag"]
    (folder / "sv.js").write_bytes(SCRIPT + b";")
    os.utime(folder / "sv.js", ns=(1, 1))
    new = ask(door, "/sv.js", {"if-none-match": old})
    assert (new.status, new.body) == (200, SCRIPT + b";")


def test_what_was_not_built_is_404_and_says_what_to_do_instead(folder: Path) -> None:
    answer = ask(door_of(folder), "/recorder.js")
    assert answer.status == 404
    error = json.loads(answer.body)
    assert error["code"] == "NOT_FOUND"
    assert "no recorder.js" in error["error"]
    assert "/api/v1/ingest/events" in error["error"]


def test_head_answers_what_get_would_without_the_body(folder: Path) -> None:
    door = door_of(folder)
    head, get = ask(door, "/sv.js", method="HEAD"), ask(door, "/sv.js")
    assert (head.status, head.body, head.headers) == (200, b"", get.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_there(folder: Path, method: str) -> None:
    answer = ask(door_of(folder), "/sv.js", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("base", ["", "/stats"])
def test_the_client_is_told_how_much_of_its_own_address_is_the_server_s(folder: Path, base: str) -> None:
    (folder / "sv.js").write_bytes(b'let base="__SV_BASE__";')
    door = ClientDoor(lambda _: None, lambda _: None, script_path="/s.js", recorder_path="/r.js", base_path=base, folder=folder)
    answer = ask(door, "/s.js", {"accept-encoding": "gzip"})
    assert gzip.decompress(answer.body) == f'let base="{base}";'.encode()
