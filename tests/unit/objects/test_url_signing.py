"""Signed URLs of the server's own: what was signed is granted, and nothing that differs from it in a single byte."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model.errors import NotAuthorized
from sv.objects.port import URL_LIFETIME_MS
from sv.objects.signing import Grant, UrlSigner

NOW = 1_741_082_401_000
SECRET = bytes(range(32))
SIGNER = UrlSigner(SECRET)
TYPES = ("application/json", "text/x.y+z", "a/b-c")
names = st.text(string.ascii_lowercase + string.digits + "_-.", max_size=12).map(lambda rest: "a" + rest)
keys = st.lists(names, min_size=1, max_size=8).map("/".join)
few = settings(max_examples=60, deadline=None)


def parted(url: str) -> tuple[bytes, bytes]:
    path, _, query = url.encode().partition(b"?")
    return path, query


@few
@given(keys, st.integers(1, 10**11), st.sampled_from(TYPES), st.integers(0, URL_LIFETIME_MS - 1000))
def test_what_was_signed_is_granted_until_it_is_over(key: str, size: int, content_type: str, later_ms: int) -> None:
    url, expires_ms = SIGNER.sign("PUT", key, size, content_type, NOW)
    assert SIGNER.check("PUT", *parted(url), NOW + later_ms) == Grant(key, size, content_type, expires_ms)
    url, expires_ms = SIGNER.sign("GET", key, None, content_type, NOW)
    assert SIGNER.check("GET", *parted(url), NOW + later_ms) == Grant(key, None, content_type, expires_ms)


@few
@given(st.data())
def test_a_url_with_any_bit_flipped_anywhere_grants_nothing(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["GET", "PUT"]))
    url, _ = SIGNER.sign(method, "recordings/dev/s-1/chunk_000042.json", 7 if method == "PUT" else None, "application/json", NOW)
    path, query = parted(url)
    whole = bytearray(path + b"?" + query)
    bit = data.draw(st.integers(0, 7))
    for at in range(len(whole)):  # every byte, so that none is left to chance
        whole[at] ^= 1 << bit
        changed_path, _, changed_query = bytes(whole).partition(b"?")
        with pytest.raises(NotAuthorized):
            SIGNER.check(method, changed_path, changed_query, NOW)
        whole[at] ^= 1 << bit


@few
@given(st.data())
def test_a_url_with_a_byte_added_or_left_out_grants_nothing(data: st.DataObject) -> None:
    url, _ = SIGNER.sign("PUT", "recordings/dev/s-1/chunk_000042.json", 7, "application/json", NOW)
    at = data.draw(st.integers(0, len(url)))
    added = data.draw(st.sampled_from([chr(code) for code in range(33, 127)]))
    for changed in (url[:at] + added + url[at:], url[:at] + url[at + 1 :]):
        if changed != url:
            with pytest.raises(NotAuthorized):
                SIGNER.check("PUT", *parted(changed), NOW)


def test_a_url_is_good_to_its_last_millisecond_and_no_longer() -> None:
    url, expires_ms = SIGNER.sign("GET", "a/b", None, "application/json", NOW)
    assert expires_ms == NOW + URL_LIFETIME_MS
    SIGNER.check("GET", *parted(url), expires_ms - 1)
    with pytest.raises(NotAuthorized, match="expired"):
        SIGNER.check("GET", *parted(url), expires_ms)


def test_a_url_for_one_method_does_nothing_by_another() -> None:
    get, _ = SIGNER.sign("GET", "a/b", None, "application/json", NOW)
    put, _ = SIGNER.sign("PUT", "a/b", 7, "application/json", NOW)
    for method, url in (("PUT", get), ("GET", put)):
        with pytest.raises(NotAuthorized):
            SIGNER.check(method, *parted(url), NOW)


def test_a_url_of_another_server_grants_nothing() -> None:
    url, _ = UrlSigner(bytes(32)).sign("GET", "a/b", None, "application/json", NOW)
    with pytest.raises(NotAuthorized):
        SIGNER.check("GET", *parted(url), NOW)


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.b", "A", "a b", "a\n", "a\0", "ü", "a/" * 9 + "b", "a" * 129]
)
def test_a_key_that_is_not_plain_is_never_signed(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        SIGNER.sign("GET", key, None, "application/json", NOW)


@pytest.mark.parametrize("content_type", ["", "text", "text/html; charset=utf-8", "a/b\r\nc", "A/b", "a/b&size=1", "a/b/c"])
def test_a_type_that_is_not_plain_is_never_signed(content_type: str) -> None:
    with pytest.raises(ValueError, match="type"):
        SIGNER.sign("GET", "a/b", None, content_type, NOW)


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33])
def test_a_secret_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        UrlSigner(secret)
