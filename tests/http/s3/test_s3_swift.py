"""Recordings in a bucket of OpenStack Swift's: what was signed is taken, and nothing else is.

The server gives out URLs and looks into the bucket; bytes go from the client to Swift and back.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import Api, running
from recordings_rig import ask, chunks, recording

from sv.model.errors import NotFound, Unavailable
from sv.objects.s3 import Bucket, S3Store
from sv.objects.sigv4 import Credentials

CHUNK = (Path(__file__).resolve().parents[2] / "data" / "rrweb_sample.json").read_bytes()
KEY = "recordings/dev/s-1/chunk_000000.json"
JSON = {"Content-Type": "application/json"}
MINUTE = 60_000


def now() -> int:
    return time.time_ns() // 1_000_000


def put(url: str, content: Any, headers: dict[str, str] = JSON) -> httpx.Response:
    return httpx.put(url, content=content, headers=headers, trust_env=False, timeout=30)


def signed(store: S3Store, size: int = 2, *, at: int | None = None) -> str:
    return store.presign_upload(KEY, size, "application/json", origin="", now_ms=now() if at is None else at).url


def test_what_was_signed_is_taken_and_comes_back_byte_for_byte(store: S3Store) -> None:
    assert put(signed(store, len(CHUNK)), CHUNK).status_code == 200
    assert store.stat(KEY) == len(CHUNK)
    url = store.presign_download(KEY, "application/json", origin="", now_ms=now())
    answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, answer.content) == (200, CHUNK)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == "attachment"


def refused(store: S3Store, url: str, content: Any = b"[]", headers: dict[str, str] = JSON) -> None:
    answer = put(url, content, headers)
    assert answer.status_code == 403, answer.text
    assert store.stat(KEY) is None


def test_an_expired_url_is_403(store: S3Store) -> None:
    refused(store, signed(store, at=now() - 16 * MINUTE))
    assert put(signed(store, at=now() - 10 * MINUTE), b"[]").status_code == 200


def test_a_longer_or_a_shorter_body_is_403(store: S3Store) -> None:
    for content in (b"[1]", b"[", b" " * 100_000):
        refused(store, signed(store), content)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html"}, {"Content-Type": "application/json; charset=utf-8"}])
def test_another_type_is_403(store: S3Store, headers: dict[str, str]) -> None:
    refused(store, signed(store), b"[]", headers)


def test_a_tampered_signature_is_403_whichever_digit_it_is(store: S3Store) -> None:
    url = signed(store)
    start = url.index("X-Amz-Signature=") + len("X-Amz-Signature=")
    assert len(url) == start + 64
    for at in range(start, len(url)):
        refused(store, url[:at] + ("1" if url[at] == "0" else "0") + url[at + 1 :])


@pytest.mark.parametrize(
    ("part", "instead", "status"),
    [
        ("chunk_000000", "chunk_000001", 403),
        ("X-Amz-Expires=900", "X-Amz-Expires=901", 403),
        ("content-length%3B", "", 403),
        ("content-length%3Bcontent-type%3Bhost", "host", 403),
        ("us-east-1", "eu-west-1", 400),  # as S3 itself: it says which region to sign for
        ("test%3Atester", "test%3Anobody", 403),
    ],
)
def test_a_tampered_url_is_refused(store: S3Store, part: str, instead: str, status: int) -> None:
    url = signed(store)
    assert part in url
    answer = put(url.replace(part, instead), b"[]")
    assert answer.status_code == status, answer.text
    assert store.list("recordings") == {}


def test_a_url_to_upload_reads_nothing_and_one_to_download_writes_nothing(store: S3Store) -> None:
    store.put(KEY, b"[]", "application/json")
    assert httpx.get(signed(store), headers=JSON, trust_env=False).status_code == 403
    assert put(store.presign_download(KEY, "application/json", origin="", now_ms=now()), b"[1").status_code == 403
    assert store.get(KEY) == b"[]"


def test_objects_are_kept_listed_and_deleted(store: S3Store) -> None:
    keys = [f"recordings/dev/s-{session}/chunk_{index:06}.json" for session in (1, 2) for index in range(3)]
    for number, key in enumerate(keys):
        store.put(key, b"x" * number, "application/json")
    assert store.list("recordings/dev/s-2") == {keys[3]: 3, keys[4]: 4, keys[5]: 5}
    store.delete([*keys[:4], "recordings/dev/never/there.json"])
    assert store.list("recordings/dev") == {keys[4]: 4, keys[5]: 5}
    assert (store.stat(keys[0]), store.stat(keys[5])) == (None, 5)
    with pytest.raises(NotFound):
        store.get(keys[0])


def test_a_bucket_that_refuses_or_is_not_there_is_unavailable(bucket: Bucket) -> None:
    wrong = Credentials(bucket.credentials.access_key, "wrong", bucket.credentials.region)
    for store in (S3Store(Bucket(bucket.name, wrong, bucket.endpoint, is_path_style=True)),):
        with pytest.raises(Unavailable):
            store.stat(KEY)
        with pytest.raises(Unavailable):
            store.delete([KEY])


@pytest.fixture
def api(store: S3Store, bucket: Bucket) -> Iterator[Api]:
    """A server whose recordings lie in the bucket."""
    assert bucket.endpoint is not None
    settings = {
        "SV_S3_BUCKET": bucket.name,
        "SV_S3_ENDPOINT": bucket.endpoint,
        "SV_S3_ACCESS_KEY": bucket.credentials.access_key,
        "SV_S3_SECRET_KEY": bucket.credentials.secret_key,
    }
    with running("dev", environment=settings) as server, Api(server) as client:
        yield client


def test_a_recording_goes_to_the_bucket_and_comes_from_there_past_the_server(api: Api, bucket: Bucket) -> None:
    assert bucket.endpoint is not None
    for index in (1, 0):
        place = ask(api, "a/b", index, len(CHUNK))
        assert place["uploadUrl"].startswith(f"{bucket.endpoint}/{bucket.name}/{place['key']}?")
        assert put(place["uploadUrl"], CHUNK, place["headers"]).status_code == 200
    found = chunks(api, "a/b")
    assert [(chunk["index"], chunk["size"]) for chunk in found] == [(0, len(CHUNK)), (1, len(CHUNK))]
    for chunk in found:
        assert chunk["url"].startswith(f"{bucket.endpoint}/")
        assert httpx.get(chunk["url"], trust_env=False).content == CHUNK
    assert not (Path(api.server.ready["data"]) / "objects").exists()


def test_what_is_promised_and_never_came_is_not_listed(api: Api) -> None:
    ask(api)
    assert recording(api).status_code == 404


def test_the_servers_own_urls_open_nothing_where_recordings_lie_in_a_bucket(api: Api) -> None:
    assert api.http.get(f"/api/v1/objects/{KEY}").status_code == 404


def test_erased_recordings_leave_the_bucket(api: Api, store: S3Store) -> None:
    place = ask(api)
    assert put(place["uploadUrl"], b"[]").status_code == 200
    assert len(chunks(api)) == 1
    api.reset()
    assert recording(api).status_code == 404
    assert store.list("recordings") == {}
