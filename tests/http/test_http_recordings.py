"""Recordings, as a browser uploads them and a player reads them: what goes up comes back, and a URL is good for what it was given for."""

import contextlib
import http.client
import json
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bad_input import error_of
from http_rig import Api, running
from recordings_rig import INGEST_RECORDINGS, JSON, OBJECTS, ask, asked, chunks, download, put, recording, upload

from sv.meta.db import Meta
from sv.meta.instance import load_url_secret
from sv.objects.signing import UrlSigner

SAMPLE = (Path(__file__).resolve().parents[1] / "data" / "rrweb_sample.json").read_bytes()
MIB = 1 << 20


def objects(api: Api) -> list[Path]:
    """Every file of the store, also those on their way."""
    return [path for path in (Path(api.server.ready["data"]) / "objects").rglob("*") if path.is_file()]


def in_pieces(content: bytes) -> Iterator[bytes]:
    """A body whose length nobody is told."""
    step = len(content) // 50 + 1
    for first in range(0, len(content), step):
        yield content[first : first + step]


def test_a_real_chunk_comes_back_byte_for_byte(api: Api) -> None:
    place = upload(api, SAMPLE)
    assert place["method"] == "PUT"
    assert place["key"] == "recordings/dev/s-1/chunk_000000.json"
    (chunk,) = chunks(api)
    assert (chunk["index"], chunk["size"]) == (0, len(SAMPLE))
    assert download(api, chunk) == SAMPLE


def test_chunks_are_listed_in_order_however_they_came(api: Api) -> None:
    for index in (10, 2, 0, 100_000):
        upload(api, f"[{index}]".encode(), "s-1", index)
    assert [(chunk["index"], chunk["size"], download(api, chunk)) for chunk in chunks(api)] == [
        (0, 3, b"[0]"),
        (2, 3, b"[2]"),
        (10, 4, b"[10]"),
        (100_000, 8, b"[100000]"),
    ]
    assert [chunk["index"] for chunk in chunks(api, after=2)] == [10, 100_000]
    assert chunks(api, after=100_000) == []


def test_a_chunk_is_not_listed_before_its_bytes_are_there(api: Api) -> None:
    place = ask(api)
    assert recording(api).status_code == 404
    assert put(api, place["uploadUrl"], b"[]").status_code == 200
    assert len(chunks(api)) == 1


def test_a_session_without_a_recording_is_404_also_with_events(api: Api) -> None:
    api.send({"event": "view", "userId": "ann", "sessionId": "s-9"})
    assert "session_id" in error_of(recording(api, "s-9"), 404)["error"]


def test_a_chunk_sent_again_replaces_the_first_and_the_same_url_may_be_used_twice(api: Api) -> None:
    place = ask(api, "s-1", 0, 4)
    for content in (b"[10]", b"[20]"):
        assert put(api, place["uploadUrl"], content).status_code == 200
    assert [download(api, chunk) for chunk in chunks(api)] == [b"[20]"]
    upload(api, b"[3000]")
    assert [(chunk["size"], download(api, chunk)) for chunk in chunks(api)] == [(6, b"[3000]")]


@pytest.mark.parametrize(
    "session",
    ["..", ".", "../../sv.db", "/etc/passwd", "a/b", "a%2Fb", "a%252Fb", "nul\0", "ü" * 200, "A", "a", "_" + "0" * 64, "CON", " ", "💥", "a?b#c"],
)  # fmt: skip
def test_a_session_by_any_name_has_its_own_recording_inside_the_store(api: Api, session: str) -> None:
    for other in ("a/b", "a", "A"):
        if other != session:
            upload(api, b'["another session"]', other)
    place = upload(api, SAMPLE, session)
    assert place["key"].startswith("recordings/dev/")
    assert [download(api, chunk) for chunk in chunks(api, session)] == [SAMPLE]
    folder = Path(api.server.ready["data"]) / "objects"
    assert (folder / place["key"]).read_bytes() == SAMPLE
    assert all(path.parent.parent == folder / "recordings" / "dev" for path in objects(api))


BAD = [
    ("projectToken", ..., "projectToken"),
    ("projectToken", 7, "projectToken"),
    ("sessionId", ..., "sessionId"),
    ("sessionId", "", "sessionId"),
    ("sessionId", "x" * 201, "sessionId"),
    ("sessionId", 7, "sessionId"),
    ("sessionId", ["s"], "sessionId"),
    ("chunkIndex", ..., "chunkIndex"),
    ("chunkIndex", -1, "chunkIndex"),
    ("chunkIndex", 100_001, "chunkIndex"),
    ("chunkIndex", "0", "chunkIndex"),
    ("chunkIndex", 0.5, "chunkIndex"),
    ("chunkIndex", True, "chunkIndex"),
    ("chunkIndex", None, "chunkIndex"),
    ("sizeBytes", ..., "sizeBytes"),
    ("sizeBytes", 0, "sizeBytes"),
    ("sizeBytes", -1, "sizeBytes"),
    ("sizeBytes", 10 * MIB + 1, "sizeBytes"),
    ("sizeBytes", "2", "sizeBytes"),
    ("sizeBytes", 1e400, "sizeBytes"),
    ("sizeBytes", None, "sizeBytes"),
    ("anonymousId", "x" * 201, "anonymousId"),
    ("anonymousId", {}, "anonymousId"),
    ("userId", 7, "userId"),
    ("userId", "", "userId"),
]


@pytest.mark.parametrize(("field", "value", "names"), BAD)
def test_a_wrong_field_is_422_and_named(full: Api, field: str, value: Any, names: str) -> None:
    body = json.dumps(asked(**{field: value})).replace("Infinity", "1e400")
    answer = full.http.post(INGEST_RECORDINGS, content=body, headers=JSON)
    status = 400 if "1e400" in body and answer.status_code == 400 else 422
    refused = error_of(answer, status)
    if status == 422:
        assert [detail["field"] for detail in refused["details"]] == [names]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_all_wrong_fields_are_named_at_once(full: Api) -> None:
    refused = error_of(full.http.post(INGEST_RECORDINGS, json={"projectToken": "sv_pub_dev", "userId": 7}), 422)
    assert {detail["field"] for detail in refused["details"]} == {"sessionId", "chunkIndex", "sizeBytes", "userId"}


@pytest.mark.parametrize("body", [b"", b"[", b"\xff", b"{1: 2}", b"[" * 100_000])
def test_a_body_that_is_no_json_is_400(full: Api, body: bytes) -> None:
    answer = full.http.post(INGEST_RECORDINGS, content=body, headers=JSON)
    error_of(answer, 413 if len(body) > 16_384 else 400)


@pytest.mark.parametrize("token", ["sv_pub_nobody", "sv_dev", "", " sv_pub_dev"])
def test_an_unknown_project_token_is_401(full: Api, token: str) -> None:
    answer = full.http.post(INGEST_RECORDINGS, json=asked(projectToken=token))
    assert "projectToken" in error_of(answer, 401)["error"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_unknown_fields_are_ignored_and_text_is_taken_too(api: Api) -> None:
    body = json.dumps(asked(colour="red"))
    assert api.http.post(INGEST_RECORDINGS, content=body, headers={"Content-Type": "text/plain"}).status_code == 200


def refused(api: Api, url: str, content: Any = b"[]", headers: Any = JSON) -> str:
    """The upload is 403, and leaves nothing behind."""
    answer = put(api, url, content, headers)
    error: str = error_of(answer, 403)["error"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert objects(api) == []
    assert recording(api).status_code == 404
    return error


def test_another_size_is_refused_longer_or_shorter_told_or_not(api: Api) -> None:
    url = ask(api)["uploadUrl"]
    for content in (b"[1]", b"[", b"", b" " * MIB, in_pieces(b"[")):
        assert "expected 2 bytes" in refused(api, url, content)
    for content in (b"[1]", b" " * 3 * MIB):
        answer = put(api, url, in_pieces(content))
        assert "expected 2 bytes" in error_of(answer, 413)["error"]
        assert objects(api) == []
    assert put(api, url, in_pieces(b"[]")).status_code == 200


@pytest.mark.parametrize(
    "content_type", [None, "text/html", "text/plain", "application/json; charset=utf-8", "application/jsonx", ""]
)
def test_another_type_is_refused(api: Api, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert "Content-Type" in refused(api, ask(api)["uploadUrl"], b"[]", headers)


def test_a_changed_byte_anywhere_in_the_url_is_refused(api: Api) -> None:
    place = ask(api)
    start = place["uploadUrl"].index(OBJECTS) + len(OBJECTS)
    for at in range(start, len(place["uploadUrl"])):
        byte = place["uploadUrl"][at]
        if byte in "?%":  # the next test's
            continue
        changed = "1" if byte != "1" else "2"
        error = error_of(put(api, place["uploadUrl"][:at] + changed + place["uploadUrl"][at + 1 :], b"[]"), 403)["error"]
        assert "(sig)" in error
    assert objects(api) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url + "&x=1",
        lambda url: url + "&size=3",
        lambda url: url.replace("size=2", "size=02"),
        lambda url: url.replace("size=2&", ""),
        lambda url: url.replace("%2F", "/"),
        lambda url: url.replace("%2F", "%2f"),
        lambda url: url.replace("chunk_000000", "../chunk_000000"),
        lambda url: url.replace("chunk_000000", "%63hunk_000000"),
        lambda url: url.partition("?")[0],
        lambda url: url.replace("?", "%3F"),
        lambda url: url.replace("&sig=", "&sig=0"),
        lambda url: url[:-1],
        lambda url: url.partition("?")[0] + "?" + "&".join(reversed(url.partition("?")[2].split("&"))),
    ],
)
def test_a_url_that_is_spelt_otherwise_is_refused(api: Api, change: Any) -> None:
    refused(api, change(ask(api)["uploadUrl"]))


def signer(api: Api) -> UrlSigner:
    with Meta.open(Path(api.server.ready["data"]) / "sv.db") as meta:
        return UrlSigner(load_url_secret(meta))


def test_an_expired_url_is_refused(api: Api) -> None:
    key = ask(api)["key"]
    now_ms = int(time.time() * 1000)
    path, _ = signer(api).sign("PUT", key, 2, "application/json", now_ms - 16 * 60_000)
    assert "expired" in refused(api, api.server.url + path)
    path, _ = signer(api).sign("PUT", key, 2, "application/json", now_ms - 10 * 60_000)
    assert put(api, api.server.url + path, b"[]").status_code == 200


def test_a_url_to_upload_reads_nothing_and_one_to_download_writes_nothing(api: Api) -> None:
    place = upload(api, b"[]")
    error_of(api.http.get(place["uploadUrl"]), 403)
    error_of(put(api, chunks(api)[0]["url"], b"[1"), 403)
    assert download(api, chunks(api)[0]) == b"[]"


def test_a_signed_url_for_what_is_no_chunk_opens_nothing(api: Api) -> None:
    path, _ = signer(api).sign(
        "PUT", "recordings/dev/never-asked-for/chunk_000000.json", 2, "application/json", int(time.time() * 1000)
    )
    refused(api, api.server.url + path)


def test_a_browser_of_any_origin_may_ask_and_upload(api: Api) -> None:
    for path, method in ((INGEST_RECORDINGS, "POST"), (ask(api)["uploadUrl"], "PUT")):
        answer = api.http.options(
            path,
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "content-type",
            },
        )
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert method in answer.headers["access-control-allow-methods"]
        assert "content-type" in answer.headers["access-control-allow-headers"]
    answer = put(api, ask(api)["uploadUrl"], b"[]", {**JSON, "Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_chunk_is_never_a_page(api: Api) -> None:
    upload(api, b"<script>alert(1)</script>")
    url = chunks(api)[0]["url"]
    for answer in (api.http.get(url), api.http.head(url)):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["content-length"] == "25"


def test_the_largest_chunk_goes_up_and_comes_back(api: Api) -> None:
    content = bytes(range(256)) * (10 * MIB // 256)
    upload(api, content)
    assert download(api, chunks(api)[0]) == content


def test_an_upload_that_is_cut_off_leaves_nothing_and_can_be_tried_again(api: Api) -> None:
    place = ask(api, "s-1", 0, MIB)
    url = place["uploadUrl"]
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest("PUT", f"/{path}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(MIB))
    connection.endheaders(b"x" * 1000)
    connection.close()
    assert put(api, url, b"y" * MIB).status_code == 200
    assert download(api, chunks(api)[0]) == b"y" * MIB


def test_uploads_of_one_chunk_at_once_leave_one_of_them_whole(api: Api) -> None:
    contents = [json.dumps([number] * (1000 + number)).encode() for number in range(12)]
    places = [ask(api, "s-1", 0, len(content)) for content in contents]

    def send(number: int) -> int:
        return put(api, places[number]["uploadUrl"], contents[number]).status_code

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(send, range(12))) == {200}
    (chunk,) = chunks(api)
    found = download(api, chunk)
    assert found in contents
    assert chunk["size"] == len(found)
    assert len(objects(api)) == 1


def test_many_sessions_at_once_have_each_its_own(api: Api) -> None:
    def record(number: int) -> bytes:
        content = json.dumps({"session": number}).encode()
        for index in range(3):
            upload(api, content, f"many/{number}", index)
        return content

    with ThreadPoolExecutor(6) as threads:
        contents = list(threads.map(record, range(24)))
    for number, content in enumerate(contents):
        assert [download(api, chunk) for chunk in chunks(api, f"many/{number}")] == [content] * 3


def test_nothing_is_left_after_a_reset_and_the_same_chunk_can_be_recorded_again(api: Api) -> None:
    place = upload(api, b"[]")
    url = chunks(api)[0]["url"]
    api.reset()
    assert recording(api).status_code == 404
    assert api.http.get(url).status_code == 404
    assert put(api, place["uploadUrl"], b"[]").status_code == 403
    assert objects(api) == []
    upload(api, b"[1]")
    assert [download(api, chunk) for chunk in chunks(api)] == [b"[1]"]


def test_the_url_begins_where_the_caller_reached_the_server(api: Api) -> None:
    for host in ("stats.example.com", "localhost:8000", "[::1]:8000"):
        answer = api.http.post(INGEST_RECORDINGS, json=asked(), headers={"Host": host})
        assert answer.json()["uploadUrl"].startswith(f"http://{host}{OBJECTS}")


def test_room_for_recordings_is_bounded() -> None:
    with running("dev", environment={"SV_RECORDINGS_LIMIT": "10MiB"}) as server, Api(server) as api:
        first, second = (ask(api, "s-1", index, 8 * MIB)["uploadUrl"] for index in (0, 1))
        assert put(api, first, b"x" * 8 * MIB).status_code == 200
        full = put(api, second, b"x" * 8 * MIB)
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "UNAVAILABLE", "600")
        assert "recordings_limit" in full.json()["error"]
        assert api.http.post(INGEST_RECORDINGS, json=asked("s-2", 0, 8 * MIB)).status_code == 503
        assert api.http.post(INGEST_RECORDINGS, json=asked("s-2", 0, MIB)).status_code == 200


def test_recordings_are_there_after_a_restart(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path / "data")) as server, Api(server) as api:
        upload(api, SAMPLE)
    with running("dev", "--data", str(tmp_path / "data")) as server, Api(server) as api:
        assert [download(api, chunk) for chunk in chunks(api)] == [SAMPLE]


def test_a_recording_is_not_there_for_another_project(api: Api) -> None:
    upload(api, b"[]")
    answer = api.http.get("/api/v1/projects/other/sessions/s-1/recording")
    assert answer.status_code == 404


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=100001", "after=", "limit=1", "after=1.0", "after=1&after=1"])
def test_a_wrong_parameter_is_400(full: Api, query: str) -> None:
    error_of(full.http.get(f"{full.path('sessions/s-1/recording')}?{query}"), 400)


def test_who_reads_recordings_while_the_bucket_does_not_answer_keeps_nobody_else_waiting() -> None:
    with contextlib.ExitStack() as opened:
        bucket = socket.create_server(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{bucket.getsockname()[1]}"
        s3 = {"SV_S3_BUCKET": "b", "SV_S3_ENDPOINT": endpoint, "SV_S3_ACCESS_KEY": "k", "SV_S3_SECRET_KEY": "s"}
        api = opened.enter_context(Api(opened.enter_context(running("dev", environment=s3))))
        opened.callback(bucket.close)
        ask(api)
        request = f"GET {api.path('sessions/s-1/recording')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sv_dev\r\n\r\n"
        readers: list[socket.socket] = []
        for _ in range(40):  # more than asyncio has threads on any machine
            readers.append(opened.enter_context(socket.create_connection(("127.0.0.1", api.http.base_url.port or 0))))
            readers[-1].sendall(request.encode())
        opened.enter_context(bucket.accept()[0])
        assert api.http.get("/api/v1/projects").status_code == 200
        assert select.select(readers, [], [], 0)[0] == []
