"""The door of the web app over a folder of two files: caching, compression, and what it says where nothing was built."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from sv.web.ui_door import UiDoor

PAGE = b"<!doctype html><script src='/assets/a-1.js'></script>"
SCRIPT = b"let a = 1;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "assets" / "a-1.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path


def ask(door: UiDoor, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(door({"path": path, "method": method, "headers": given}, receive, send))
    start, body = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_the_page_is_asked_for_again(folder: Path) -> None:
    door = UiDoor(folder)
    status, headers, body = ask(door, "/assets/a-1.js")
    assert (status, body, headers["cache-control"]) == (200, SCRIPT, "public, max-age=31536000, immutable")
    status, headers, body = ask(door, "/anything", accept="text/html")
    assert (status, body, headers["cache-control"]) == (200, PAGE, "no-cache")


def test_the_zipped_twin_is_sent_to_those_who_take_it_under_another_etag(folder: Path) -> None:
    door = UiDoor(folder)
    _, plain, _ = ask(door, "/assets/a-1.js")
    _, zipped, body = ask(door, "/assets/a-1.js", accept_encoding="gzip, br")
    assert gzip.decompress(body) == SCRIPT
    assert (zipped["content-encoding"], zipped["vary"]) == ("gzip", "accept-encoding")
    assert plain["etag"] != zipped["etag"]


def test_who_has_it_already_gets_no_body(folder: Path) -> None:
    door = UiDoor(folder)
    etag = ask(door, "/")[1]["etag"]
    status, headers, body = ask(door, "/", if_none_match=etag)
    assert (status, body, headers["etag"]) == (304, b"", etag)


def test_without_a_build_the_page_says_how_to_get_one_and_it_is_there_once_built(tmp_path: Path) -> None:
    door = UiDoor(tmp_path)
    status, headers, body = ask(door, "/", accept="text/html")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"./task ui" in body and b"Node.js" in body
    (tmp_path / "index.html").write_bytes(PAGE)
    assert ask(door, "/", accept="text/html")[2] == PAGE


def test_the_api_and_its_kin_are_left_to_others() -> None:
    door = UiDoor()
    assert [path for path in ("/", "/events", "/api", "/api/v1/x", "/schema", "/metrics", "/healthz") if door.takes(path)] == [
        "/",
        "/events",
    ]


def test_the_app_may_ask_the_bucket_that_recordings_are_in_and_nobody_else(folder: Path) -> None:
    def asked(door: UiDoor) -> str:
        policy = ask(door, "/")[1]["content-security-policy"]
        (connect,) = [part.strip() for part in policy.split(";") if part.strip().startswith("connect-src")]
        return connect

    assert asked(UiDoor(folder)) == "connect-src 'self'"
    assert asked(UiDoor(folder, asks_too="https://b.s3.example")) == "connect-src 'self' https://b.s3.example"


@pytest.mark.parametrize("base", ["", "/stats"])
def test_the_page_says_the_base_path_and_loads_its_files_below_it_zipped_too(folder: Path, base: str) -> None:
    (folder / "index.html").write_bytes(b'<meta name="sv-base" content="" /><script src="./assets/a-1.js"></script>')
    (folder / "index.html.gz").write_bytes(b"of the build")
    expected = f'<meta name="sv-base" content="{base}" /><script src="{base}/assets/a-1.js"></script>'.encode()
    door = UiDoor(folder, base_path=base)
    assert ask(door, "/")[2] == expected
    assert gzip.decompress(ask(door, "/", accept_encoding="gzip")[2]) == expected


def test_the_page_says_where_others_reach_the_server(folder: Path) -> None:
    (folder / "index.html").write_bytes(b'<meta name="sv-public" content="" />')
    shown = [
        ask(UiDoor(folder, public_url=url), "/")[2].decode() for url in (None, "https://stats.example.com/a", 'https://a"><b>')
    ]
    assert shown == [
        f'<meta name="sv-public" content="{url}" />'
        for url in ("", "https://stats.example.com/a", "https://a&quot;&gt;&lt;b&gt;")
    ]
