"""The cookie's header, and from whose pages it may be used."""

import pytest

from sv.model.errors import NotAuthorized
from sv.web.cookies import clear_cookie, cookie_of, expect_own_page, is_secure, set_cookie

HOST = {"host": "a.example"}


@pytest.mark.parametrize(
    ("scheme", "host", "public_url", "expected"),
    [
        ("https", "a.example", None, True),
        ("http", "a.example", None, False),
        ("http", "a.example", "https://a.example", True),
        ("http", "127.0.0.1:8000", "https://a.example", False),  # by the machine's own address, a secure cookie would be lost
        ("http", "a.example", "http://a.example", False),
        ("http", "A.example:443", "https://a.example", True),  # as some proxies write it
        ("http", "a.example", "https://A.example:443/stats", True),
        ("http", "a.example:8443", "https://a.example", False),
    ],
)
def test_the_cookie_is_secure_where_the_browser_speaks_https(
    scheme: str, host: str, public_url: str | None, expected: bool
) -> None:
    assert is_secure(scheme, {"host": host}, public_url) is expected
    assert set_cookie("x", 60, is_secure=expected).endswith("; Secure") is expected


def test_a_cookie_is_taken_away_by_its_own_name_and_path() -> None:
    assert clear_cookie(is_secure=False) == "sv_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    assert (
        clear_cookie(is_secure=True, base_path="/stats") == "sv_session=; Path=/stats; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    )


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        (HOST | {"origin": "https://a.example"}, True),
        (HOST | {"origin": "https://A.Example"}, True),
        (HOST | {"origin": "https://a.example:8443"}, False),
        ({"host": "A.example:443", "origin": "https://a.example"}, True),  # as some proxies write it
        ({"host": "a.example:80", "referer": "http://a.example/login"}, True),
        ({"host": "a.example:443", "origin": "https://a.example:443"}, True),
        (
            {"host": "a.example:80", "origin": "https://a.example"},
            False,
        ),  # the port is not the one that the page's scheme implies
        ({"host": ":443", "origin": "https://:443"}, False),
        (HOST | {"origin": "https://a.example.evil.example"}, False),
        (HOST | {"origin": "https://[bad"}, False),
        (HOST | {"origin": ""}, False),
        ({"origin": "null"}, False),
        ({"host": "", "origin": ""}, False),
        (HOST | {"referer": "https://a.example/x?y=https://evil.example"}, True),
        (HOST | {"referer": "https://evil.example/a.example"}, False),
        (HOST | {"origin": "https://public.example"}, True),
        (HOST | {"sec-fetch-site": "same-origin"}, True),
        (HOST, False),
    ],
)
def test_a_page_is_our_own_by_its_host_or_by_the_public_one(headers: dict[str, str], is_own: bool) -> None:
    try:
        expect_own_page(headers, "https://public.example")
        assert is_own
    except NotAuthorized:
        assert not is_own


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("sv_session=" + "x" * 100_000, "x" * 100),
        ("sv_session=", None),
        ("other=x", None),
        ("", None),
        (None, None),
        ("sv_session", None),
        ("my_sv_session=x; a=sv_session=x", None),
        ("a=b; sv_session=x-_1;c=d", "x-_1"),
        ('sv_session="x"', "x"),
        ("sv_session=; sv_session=x; sv_session=y", "x"),
    ],
)
def test_the_secret_is_the_first_of_its_name_and_cut_where_it_is_far_too_long(header: str | None, secret: str | None) -> None:
    assert cookie_of(header) == secret
