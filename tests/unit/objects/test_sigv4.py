"""Signature Version 4 in a URL, against the examples that Amazon publishes."""

from urllib.parse import parse_qs, urlsplit

import pytest

from sv.objects.s3 import Bucket, S3Store
from sv.objects.sigv4 import Credentials, presign, signing_key

NOW = 1_741_082_401_000
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
MAY_24_2013 = 1_369_353_600_000


def test_the_example_of_a_presigned_url_has_the_signature_that_amazon_gives() -> None:
    """ "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference."""
    url = presign(
        "GET",
        "https://examplebucket.s3.amazonaws.com",
        "/test.txt",
        query={},
        headers={},
        credentials=EXAMPLE,
        expires_s=86400,
        now_ms=MAY_24_2013,
    )
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_the_example_of_a_signing_key_is_the_one_that_amazon_gives() -> None:
    """ "Examples of how to derive a signing key", AWS General Reference."""
    credentials = Credentials("", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1")
    assert signing_key(credentials, "20150830", "iam").hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


@pytest.mark.parametrize(
    ("endpoint", "is_path_style", "start"),
    [
        (None, False, "https://chunks.s3.eu-west-1.amazonaws.com/a/b?"),
        (None, True, "https://s3.eu-west-1.amazonaws.com/chunks/a/b?"),
        ("https://minio.example:9000", True, "https://minio.example:9000/chunks/a/b?"),
        ("https://minio.example:9000", False, "https://chunks.minio.example:9000/a/b?"),
        ("https://gate.example/s3", True, "https://gate.example/s3/chunks/a/b?"),
    ],
)
def test_a_url_leads_to_the_bucket_where_the_settings_say_it_is(endpoint: str | None, is_path_style: bool, start: str) -> None:
    credentials = Credentials("key", "secret", "eu-west-1")
    store = S3Store(Bucket("chunks", credentials, endpoint, is_path_style=is_path_style))
    assert store.presign_download("a/b", "application/json", origin="", now_ms=NOW).startswith(start)


def test_a_url_to_upload_signs_size_and_type_and_lasts_a_quarter_of_an_hour() -> None:
    store = S3Store(Bucket("chunks", EXAMPLE, None, is_path_style=False))
    upload = store.presign_upload("a/b", 7, "application/json", origin="", now_ms=NOW)
    query = parse_qs(urlsplit(upload.url).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
    assert query["X-Amz-Expires"] == ["900"]
    assert upload.headers == {"Content-Type": "application/json"}
    assert upload.expires_ms == NOW + 900_000


def test_a_size_a_type_a_key_or_a_second_more_is_another_signature() -> None:
    store = S3Store(Bucket("chunks", EXAMPLE, None, is_path_style=False))
    asked = [("a/b", 7, "application/json", NOW), ("a/b", 8, "application/json", NOW), ("a/b", 7, "text/html", NOW)]
    asked += [("a/c", 7, "application/json", NOW), ("a/b", 7, "application/json", NOW + 1000)]
    urls = [store.presign_upload(key, size, kind, origin="", now_ms=at).url for key, size, kind, at in asked]
    assert len({url.rpartition("X-Amz-Signature=")[2] for url in urls}) == len(asked)


def test_credentials_do_not_show_their_secret() -> None:
    assert "wJalr" not in f"{EXAMPLE!r} {EXAMPLE} {Bucket('chunks', EXAMPLE, None, is_path_style=True)!r}"
