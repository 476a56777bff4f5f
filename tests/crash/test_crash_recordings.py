"""Uploads of recordings on disks that refuse and in processes that die: a chunk is there whole or not at all, and can be sent again."""

import http.client
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from crash_rig import PROJECT, Server, wait_for
from fault_rig import SmallDisk, injected, mounted_disk

from sv.meta.db import Meta

CHUNK = (Path(__file__).resolve().parents[1] / "data" / "rrweb_sample.json").read_bytes()
KEY = "objects/recordings/dev/s-1/chunk_000000.json"
DELAY_US = 60_000_000
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted_disk(tmp_path / "disk", "64m") as mounted:
        yield mounted


def started(server: Server) -> Server:
    """Ready, and done with what `sv dev` does aside after that: its login is written to the metadata."""
    server.start()

    def has_login() -> bool:
        with Meta.open(server.folder / "sv.db") as meta:
            return bool(meta.rows("select 1 from users"))

    wait_for(has_login, "the login to be made")
    return server


def ask(server: Server, index: int = 0, size: int = len(CHUNK)) -> str:
    """The path to upload a chunk to."""
    body = {"projectToken": "sv_pub_dev", "sessionId": "s-1", "chunkIndex": index, "sizeBytes": size}
    status, _, content = server.ask("POST", "/api/v1/ingest/recordings", body)
    assert status == 200, content
    return path_of(content["uploadUrl"])


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def put(server: Server, path: str, chunk: bytes = CHUNK) -> tuple[int, Any]:
    status, headers, content = server.ask("PUT", path, chunk, JSON)
    if status == 503:
        assert int(headers["retry-after"]) >= 1
    return status, content


def kept(server: Server) -> list[bytes]:
    """What a player gets of the session's chunks, whose sizes must be as listed."""
    status, _, content = server.ask("GET", f"{PROJECT}/sessions/s-1/recording")
    if status == 404:
        return []
    assert status == 200, content
    found: list[bytes] = []
    for chunk in content["chunks"]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", path_of(chunk["url"]))
        answer = connection.getresponse()
        found.append(answer.read())
        connection.close()
        assert answer.status == 200
        assert len(found[-1]) == chunk["size"]
    return found


def on_their_way(server: Server) -> list[Path]:
    return list((server.folder / "objects" / "incoming").glob("*"))


@pytest.mark.parametrize(
    ("call", "path", "is_whole"),
    [
        ("fsync", None, False),
        ("rename", None, False),
        ("fsync", "objects/recordings/dev/s-1", True),
        ("pwrite64", "sv.db-wal", True),
        ("fdatasync", "sv.db-wal", True),
    ],
)
def test_a_kill_during_an_upload_leaves_it_whole_or_not_at_all_and_the_same_url_finishes_it(
    serve: Serve, tmp_path: Path, call: str, path: str | None, is_whole: bool
) -> None:
    server = started(serve())
    assert put(server, ask(server, 1))[0] == 200
    url = ask(server)

    def has_come_to_the_call() -> bool:
        """As far as the disk shows it: the call itself waits for longer than this test."""
        return (
            (server.folder / KEY).exists() if is_whole else [file.stat().st_size for file in on_their_way(server)] == [len(CHUNK)]
        )

    # Only uploads call fsync and rename here: SQLite and the log call fdatasync.
    paths = [] if path is None else [server.folder / path]
    with ThreadPoolExecutor(1) as thread:
        with injected(server, tmp_path / "calls", [f"{call}:delay_enter={DELAY_US}"], paths):
            upload = thread.submit(put, server, url)
            wait_for(has_come_to_the_call, "the upload to come so far")
            os.kill(server.process.pid, signal.SIGKILL)
        server.kill()
        with pytest.raises((OSError, http.client.HTTPException)):
            upload.result()
    assert (server.folder / KEY).exists() == is_whole
    server.start()
    assert on_their_way(server) == [], "what a dead upload left is swept at the start"
    assert kept(server) == ([CHUNK, CHUNK] if is_whole else [CHUNK])
    assert put(server, url)[0] == 200
    assert kept(server) == [CHUNK, CHUNK]
    assert server.stop() == 0


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("call", ["fsync", "rename", "pwrite64"])
def test_a_call_that_fails_refuses_the_upload_and_the_next_try_succeeds(
    serve: Serve, tmp_path: Path, call: str, error: str
) -> None:
    server = started(serve())
    assert put(server, ask(server, 1))[0] == 200
    url = ask(server)
    # Only uploads call fsync and rename here; of the other calls, those on what an upload touches.
    folder = server.folder / "objects"
    paths = [] if call in ("fsync", "rename") else [folder / "incoming", server.folder / "sv.db-wal"]
    with injected(server, tmp_path / "calls", [f"{call}:error={error}:when=1+"], paths) as injection:
        status, content = put(server, url)
        assert (status, content["code"]) == (503, "UNAVAILABLE")
        assert injection.hits
    assert on_their_way(server) == []
    wait_for(lambda: put(server, url)[0] == 200, "the disk to be written again")
    assert kept(server) == [CHUNK, CHUNK]
    assert "Traceback" not in server.log


def test_a_full_disk_refuses_uploads_leaves_nothing_and_room_is_enough_to_recover(serve: Serve, disk: SmallDisk) -> None:
    server = serve(disk.path / "data").start()
    assert put(server, ask(server, 1))[0] == 200
    large = b"[" + b" " * 1_000_000 + b"]"
    url = ask(server, 0, len(large))
    disk.fill()
    status, content = put(server, url, large)
    assert (status, content["code"]) == (503, "UNAVAILABLE")
    assert "No space left" in content["error"]
    assert on_their_way(server) == []
    assert kept(server) == [CHUNK], "reading goes on"
    disk.empty()
    wait_for(lambda: put(server, url, large)[0] == 200, "the disk to be written again")
    assert kept(server) == [large, CHUNK]
