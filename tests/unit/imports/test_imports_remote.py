"""The client's side of an import into a running server: what is tried again, what is told, and to whom the token goes."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from imports_rig import FIREFOX, ROW, Kept, read, take, write_ndjson

from sv.imports.chunks import Chunk
from sv.imports.remote import FIRST_TRIES, MAX_TRIES, RemoteTarget
from sv.model.errors import InvalidParameter, SvError, Unavailable

IMPORT = "ab" * 16
OK = {"taken": 2, "rejected": 0, "already": False, "rejected_by_code": {}, "errors": []}
Reply = tuple[int, dict[str, str], bytes] | None


def json_reply(content: Any, status: int = 200, **headers: str) -> Reply:
    return status, headers, json.dumps(content).encode()


class Fake:
    """A server that gives these replies in turn, the last one for ever; None hangs up. Keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                data = self.rfile.read(int(self.headers.get("content-length", 0)))
                fake.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, data))
                reply = fake.replies.pop(0) if len(fake.replies) > 1 else fake.replies[0]
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "content_length" not in headers:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = answer
            do_POST = answer

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Fake]]:
    fakes: list[Fake] = []

    def make(*replies: Reply) -> Fake:
        fakes.append(Fake(*replies))
        return fakes[-1]

    yield make
    for fake in fakes:
        fake.close()


class Waiting:
    """A target with its pauses and what it says."""

    def __init__(self, url: str, project_id: str = "dev") -> None:
        self.pauses: list[float] = []
        self.said: list[str] = []
        self.target = RemoteTarget(url, "sv_secret", project_id, say=self.said.append, sleep=self.pauses.append, timeout_s=5)


@pytest.fixture
def chunk(tmp_path: Path) -> Chunk:
    return read(write_ndjson(tmp_path / "f.ndjson", [ROW, b"bad", ROW | {"user_agent": FIREFOX}])).chunks[0]


def test_a_chunk_is_sent_gzipped_with_the_token_and_the_place_of_its_last_row(serve: Callable[..., Fake], chunk: Chunk) -> None:
    fake = serve(json_reply({"chunks": [1, 2]}), json_reply(OK))
    target = Waiting(fake.url + "/", "dev/../x").target
    assert target.taken_up_to(IMPORT) == 2
    assert target.store(IMPORT, chunk).taken == 2
    (get, get_path, *_), (post, post_path, headers, data) = fake.asked
    assert (get, get_path) == ("GET", f"/api/v1/projects/dev%2F..%2Fx/imports/{IMPORT}")
    assert (post, post_path) == ("POST", f"/api/v1/projects/dev%2F..%2Fx/imports/{IMPORT}/chunks/3")
    assert (headers["authorization"], headers["content-encoding"]) == ("Bearer sv_secret", "gzip")
    sent = json.loads(gzip.decompress(data))
    assert sorted((batch["user_agent"], len(batch["events"])) for batch in sent["batches"]) == sorted([("", 1), (FIREFOX, 1)])


def test_what_the_server_rejects_is_found_by_its_row(serve: Callable[..., Fake], chunk: Chunk) -> None:
    place = next(nth for nth, batch in enumerate(chunk.batches) if batch.user_agent)
    error = {"batch": place, "index": 0, "code": "TIMESTAMP_IN_FUTURE", "message": "no"}
    answer = OK | {"taken": 1, "rejected": 1, "rejected_by_code": {"TIMESTAMP_IN_FUTURE": 1}, "errors": [error]}
    outcome = Waiting(serve(json_reply(answer)).url).target.store(IMPORT, chunk)
    assert (outcome.taken, outcome.refused) == (1, {"TIMESTAMP_IN_FUTURE": 1})
    assert [(example.at, example.message) for example in outcome.examples] == [(3, "no")]


@pytest.mark.parametrize(
    "fault",
    [
        None,
        json_reply({"error": "busy", "code": "UNAVAILABLE"}, 503),
        (502, {}, b"<html>"),
        (504, {}, b""),
        (429, {}, b""),
        (408, {}, b""),
        (200, {"content_length": "99"}, b'{"taken": 2, '),
    ],
    ids=["hung up", "503", "502", "504", "429", "408", "cut off"],
)
def test_what_may_pass_is_tried_again_with_growing_pauses(serve: Callable[..., Fake], chunk: Chunk, fault: Reply) -> None:
    fake = serve(json_reply({"chunks": []}), *[fault] * 6, json_reply(OK))
    waiting = Waiting(fake.url)
    waiting.target.taken_up_to(IMPORT)
    assert waiting.target.store(IMPORT, chunk).taken == 2
    assert len(waiting.pauses) == len(waiting.said) == 6
    assert all(min(2.0**nth, 30) / 2 <= pause <= min(2.0**nth, 30) for nth, pause in enumerate(waiting.pauses))
    assert len({data for _, _, _, data in fake.asked[1:]}) == 1, "each time the same request"


def test_the_server_says_how_long_to_wait_within_bounds(serve: Callable[..., Fake], chunk: Chunk) -> None:
    replies = [json_reply({}, 503, retry_after=text) for text in ("7", "100000", "soon")]
    waiting = Waiting(serve(json_reply({"chunks": []}), *replies, json_reply(OK)).url)
    waiting.target.taken_up_to(IMPORT)
    waiting.target.store(IMPORT, chunk)
    assert waiting.pauses[:2] == [7, 60]
    assert waiting.pauses[2] <= 4


def test_it_gives_up_soon_where_nobody_ever_answered_and_late_where_somebody_did(
    serve: Callable[..., Fake], chunk: Chunk
) -> None:
    waiting = Waiting("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="no answer"):
        waiting.target.taken_up_to(IMPORT)
    assert len(waiting.pauses) == FIRST_TRIES - 1
    waiting = Waiting(serve(json_reply({"chunks": []}), None).url)
    waiting.target.taken_up_to(IMPORT)
    with pytest.raises(Unavailable, match=f"after {MAX_TRIES} tries"):
        waiting.target.store(IMPORT, chunk)
    assert max(waiting.pauses) <= 30
    assert len(waiting.pauses) == MAX_TRIES - 1


def test_a_server_that_is_busy_at_first_is_waited_for(serve: Callable[..., Fake]) -> None:
    busy = json_reply({"error": "busy", "code": "UNAVAILABLE"}, 503)
    waiting = Waiting(serve(None, *[busy] * 5, json_reply({"chunks": [7]})).url)
    assert waiting.target.taken_up_to(IMPORT) == 7
    assert len(waiting.pauses) == 6 > FIRST_TRIES


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422, 500])
def test_what_the_server_refuses_is_told_in_its_words_and_not_tried_again(
    serve: Callable[..., Fake], chunk: Chunk, status: int
) -> None:
    fake = serve(json_reply({"error": "expected the scope write, got read", "code": "X"}, status))
    waiting = Waiting(fake.url)
    with pytest.raises(SvError, match="expected the scope write, got read"):
        waiting.target.store(IMPORT, chunk)
    assert (len(fake.asked), waiting.pauses) == (1, [])


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((404, {}, b"<html>no</html>"), "does not answer as a Session Vision server"),
        ((200, {}, b"<html>hello</html>"), "does not answer as a Session Vision server"),
        ((200, {}, b"[]"), "does not answer as a Session Vision server"),
        ((200, {}, b"\xff"), "does not answer as a Session Vision server"),
        (json_reply({}), "does not answer as a Session Vision server"),
        (json_reply({"chunks": 5}), "does not answer as a Session Vision server"),
        ((413, {}, b"<html>nginx</html>"), "must let 64 MiB through"),
        ((308, {"location": "https://other.example/"}, b""), "the address is https://other.example/"),
    ],
)
def test_an_answer_of_somebody_else_is_told_as_such(serve: Callable[..., Fake], reply: Reply, said: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        Waiting(serve(reply).url).target.taken_up_to(IMPORT)
    assert said in refusal.value.message


def test_the_token_goes_nowhere_else(serve: Callable[..., Fake]) -> None:
    other = serve(json_reply({"chunks": []}))
    first = serve((302, {"location": other.url + "/x"}, b""))
    with pytest.raises(InvalidParameter):
        Waiting(first.url).target.taken_up_to(IMPORT)
    assert other.asked == []


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://x", "http://", "file:///etc/passwd", "http://x/?a=1", "http://u:p@x", "//x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidParameter, match="--url"):
        Waiting(url)


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "é", "\x00"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        RemoteTarget("http://x", token, "dev", say=print)
    assert token not in refusal.value.message


def test_a_file_goes_on_where_the_server_says(serve: Callable[..., Fake], tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [ROW] * 5)
    fake = serve(json_reply({"chunks": [3]}), json_reply(OK))
    report = take(path, Waiting(fake.url).target, project_id="dev")
    assert (report.skipped_to, report.rows, report.taken) == (3, 2, 2)
    kept = Kept()
    assert take(path, kept, project_id="dev").import_id == report.import_id
    assert f"/imports/{report.import_id}/chunks/5" in fake.asked[1][1]
