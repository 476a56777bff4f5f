"""What the log says of a bucket that refuses: the reason, and no key, which names a session."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sv.model.errors import Unavailable
from sv.objects.port import Undeleted
from sv.objects.s3 import Bucket, S3Store
from sv.objects.sigv4 import Credentials

KEY = "recordings/dev/s-secret/chunk_000000.json"
BODY = f"<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><Resource>/b/{KEY}</Resource></Error>".encode()

NO_BUCKET = b"<Error><Code>NoSuchBucket</Code><Message>no</Message><BucketName>missing</BucketName></Error>"


LOCKED = [KEY, KEY.replace("000000", "000002")]


class Refusing(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404 if self.path.startswith(("/missing", "/empty")) else 403)
        self.end_headers()

    def do_GET(self) -> None:
        is_there = self.path.startswith("/empty")
        answer = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>" if is_there else NO_BUCKET
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        if self.path.startswith("/locked"):
            self.keep_what_is_locked()
            return
        self.do_HEAD()
        self.wfile.write(NO_BUCKET if self.path.startswith("/missing") else BODY)

    def keep_what_is_locked(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        refused = "<Error><Key>{}</Key><Code>AccessDenied</Code><Message>locked</Message></Error>"
        of_each = "".join(
            (refused if key in LOCKED else "<Deleted><Key>{}</Key></Deleted>").format(key)
            for key in re.findall("<Key>([^<]+)</Key>", asked)
        )
        answer = f"<DeleteResult>{of_each}</DeleteResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def store_at(address: str, bucket: str = "b") -> S3Store:
    return S3Store(Bucket(bucket, Credentials("key", "secret", "us-east-1"), address, is_path_style=True))


def test_the_log_says_why_a_bucket_refuses_and_not_of_whom(address: str, caplog: pytest.LogCaptureFixture) -> None:
    store = store_at(address)
    with pytest.raises(Unavailable, match="the log says why"):
        store.stat(KEY)
    with pytest.raises(Unavailable):
        store.delete([KEY])
    refused = "the bucket of recordings refuses: 403 Forbidden"
    assert caplog.messages == [refused, f"{refused}, SignatureDoesNotMatch"]


def test_nothing_counts_as_deleted_in_a_bucket_that_is_not_there(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unavailable):
        store_at(address, "missing").delete([KEY])
    assert caplog.messages == ["the bucket of recordings refuses: 404 Not Found, NoSuchBucket"]


def test_nothing_counts_as_never_uploaded_to_a_bucket_that_is_not_there(address: str, caplog: pytest.LogCaptureFixture) -> None:
    assert store_at(address, "empty").stat(KEY) is None
    with pytest.raises(Unavailable):
        store_at(address, "missing").stat(KEY)
    assert caplog.messages == ["the bucket of recordings refuses: 404 Not Found, NoSuchBucket"]


def test_objects_that_a_bucket_keeps_are_told_from_those_that_are_gone(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Undeleted) as refused:
        store_at(address, "locked").delete([KEY.replace("000000", f"{index:06}") for index in range(4)])
    assert refused.value.keys == set(LOCKED)
    assert caplog.messages == ["the bucket of recordings keeps 2 objects that are to be deleted: AccessDenied, locked"]


def test_the_log_says_that_nobody_answers_where_the_bucket_should_be(caplog: pytest.LogCaptureFixture) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as closed:
        address = f"http://127.0.0.1:{closed.server_port}"
    with pytest.raises(Unavailable):
        store_at(address).stat(KEY)
    (line,) = caplog.messages
    assert "Connection refused" in line
    assert "secret" not in line
