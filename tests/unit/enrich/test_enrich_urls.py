"""Paths, referring domains and campaigns, as the definition has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv.engine.duck.buffer.enrich import UTM_NAMES
from sv.model.filters import url_path
from tests.url_reference import referring_domain, utm_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://shop.example/pricing", "/pricing"),
        ("https://shop.example/pricing/", "/pricing"),
        ("https://shop.example/pricing//", "/pricing/"),
        ("https://shop.example/pricing?a=1&b=/x/", "/pricing"),
        ("https://shop.example/pricing/?a=1#top", "/pricing"),
        ("https://shop.example/pricing#a?b", "/pricing"),
        ("https://shop.example/a?b#c?d#e", "/a"),
        ("https://user:pw@shop.example:8443/a/b/", "/a/b"),
        ("https://[2001:db8::1]:80/a", "/a"),
        ("https://shop.example", ""),
        ("https://shop.example/", ""),
        ("https://shop.example//", "/"),
        ("https://shop.example?utm_source=x", ""),
        ("https://shop.example#/route", ""),
        ("https://shop.example/#/route", ""),
        ("https://shop.example/Größe/%C3%9F", "/Größe/%C3%9F"),
        ("https://shop.example/a b\n", "/a b\n"),
        ("https:///a", "/a"),
        ("HTTP://SHOP.EXAMPLE/A", "/A"),
        ("file:///C:/notes.txt", "/C:/notes.txt"),
        ("capacitor://localhost/home/", "/home"),
        # already a path
        ("/", ""),
        ("/pricing", "/pricing"),
        ("/pricing/", "/pricing"),
        ("/pricing?x=https://a/b", "/pricing"),
        ("/#top", ""),
        ("//cdn.example/a", "//cdn.example/a"),
        # no path
        *((url, None) for url in ("", " ", "pricing", "?a=1", "#top", "about:blank", "mailto:a@shop.example", "://a/b")),
        *((url, None) for url in ("javascript:alert(1)", "shop.example/pricing", "1https://a/b", " https://a/b", "\x00")),
        *((url, None) for url in ("data:text/html,//a/b", "http:/a/b", "\ud800://a/b")),
    ],
)
def test_a_path_is_what_stands_between_site_and_query(url: str, path: str | None) -> None:
    assert url_path(url) == path


@pytest.mark.parametrize(
    ("referrer", "domain"),
    [
        ("https://www.google.com/", "www.google.com"),
        ("https://www.google.com", "www.google.com"),
        ("https://News.YCombinator.com/item?id=1", "news.ycombinator.com"),
        ("http://localhost:3000/a", "localhost"),
        ("https://example.com:/a", "example.com"),
        ("https://user:pw@example.com/a", "example.com"),
        ("https://a@b@example.com/a", "example.com"),
        ("https://example.com?x=1", "example.com"),
        ("https://example.com#x", "example.com"),
        ("https://example.com./", "example.com."),
        ("https://192.0.2.1:80/", "192.0.2.1"),
        ("https://[2001:DB8::1]:8080/", "[2001:db8::1]"),
        ("https://MÜNCHEN.example/", "münchen.example"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example"),
        ("https://İΣ.example/", "iσ.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        *((referrer, None) for referrer in ("", " ", "$direct", "about:client", "/pricing", "//example.com/", "example.com")),
        *(
            (referrer, None)
            for referrer in (
                "https://",
                "https:///a",
                "https://:80/",
                "https://@/",
                "https://?x",
                "https://#x",
            )
        ),
        *(
            (referrer, None)
            for referrer in (
                "https://a b/",
                "https://a\n/",
                "https://a\x00b/",
                "https://<a>/",
                "https://a%41/",
            )
        ),
        *(
            (referrer, None)
            for referrer in (
                "https://a:b/",
                "https://a:80:80/",
                "https://[::1/",
                "https://::1/",
                "https://[]/",
            )
        ),
        *(
            (referrer, None)
            for referrer in (
                "https://[::1]x/",
                "https://a\\b/",
                "https://a|b/",
                "https://a^b/",
                "https://[v1.a]/",
            )
        ),
    ],
)
def test_a_domain_is_the_host_in_lower_case(referrer: str, domain: str | None) -> None:
    assert referring_domain(referrer) == domain


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.example/?utm_source=google", {"utm_source": "google"}),
        (
            "https://a.example/p?utm_source=g&utm_medium=cpc&utm_campaign=spring&utm_term=shoes&utm_content=b",
            dict(zip(UTM_NAMES, ("g", "cpc", "spring", "shoes", "b"), strict=True)),
        ),
        ("/?x=1&utm_medium=email&y=2", {"utm_medium": "email"}),
        ("?utm_term=a", {"utm_term": "a"}),
        # decoding
        ("/?utm_campaign=spring+sale%202026", {"utm_campaign": "spring sale 2026"}),
        ("/?utm_campaign=a%2Bb%26c%3Dd%23e", {"utm_campaign": "a+b&c=d#e"}),
        ("/?utm_source=%C3%A9t%C3%A9", {"utm_source": "été"}),
        ("/?utm_source=été", {"utm_source": "été"}),
        ("/?utm_source=100%", {"utm_source": "100%"}),
        ("/?utm_source=%zz%4", {"utm_source": "%zz%4"}),
        ("/?utm_source=a+%FF", {"utm_source": "a+%FF"}),
        ("/?utm_source=%ED%A0%80", {"utm_source": "%ED%A0%80"}),
        ("/?utm_source=a%00b", {"utm_source": "a\ufffdb"}),
        ("/?utm_source=a=b", {"utm_source": "a=b"}),
        ("/?utm_source=a?b", {"utm_source": "a?b"}),
        ("/?utm_source=a;utm_term=b", {"utm_source": "a;utm_term=b"}),
        ("/?utm_source=%2520", {"utm_source": "%20"}),
        # the first counts, also if it is empty
        ("/?utm_source=a&utm_source=b", {"utm_source": "a"}),
        ("/?utm_source=&utm_source=b", {}),
        ("/?utm_source&utm_source=b", {}),
        # names as they stand
        ("/?UTM_SOURCE=a&utm_Source=b&utm%5Fsource=c&xutm_source=d&utm_sourcex=e&utm_id=f", {}),
        ("/?a=utm_source=b", {}),
        # not in the query
        ("https://a.example/#/?utm_source=a", {}),
        ("https://a.example/?x=1#utm_source=a&utm_source=b", {}),
        ("https://a.example/utm_source=a", {}),
        *((url, {}) for url in ("", "?", "&", "#", "??&&==", "https://a.example/?", "\x00", "\ud800")),
    ],
)
def test_a_campaign_is_read_from_the_query(url: str, found: dict[str, str]) -> None:
    assert utm_of(url) == found


@given(st.text(alphabet=st.characters(), max_size=60) | st.text("htps:/?#&=%+@[]utm_source.é\ud800 ", max_size=60))
def test_no_text_raises_and_every_answer_keeps_its_shape(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example/?utm_source={text}"):
        path, domain, campaign = url_path(url), referring_domain(url), utm_of(url)

        assert path is None or ("?" not in path and "#" not in path and path[:1] in ("", "/"))
        assert domain is None or (domain and not set(domain) & set(' /?#@\\"\x00'.replace('"', "")))
        assert set(campaign) <= set(UTM_NAMES)
        assert all(value and "\0" not in value for value in campaign.values())


def test_a_path_is_its_own_path_unless_it_still_ends_in_a_slash() -> None:
    for url in ("https://a.example/b/c/?d#e", "/b/c", "https://a.example/Ä"):
        path = url_path(url)

        assert path is not None
        assert url_path(path) == path


@pytest.mark.parametrize("size", [1_000_000])
def test_a_huge_text_is_read_in_linear_time(size: int) -> None:
    for piece in ("@", "%", "&", "utm_source=&", "?", "[", "a.", ":", "%ff"):
        url = "https://" + piece * (size // len(piece))

        url_path(url), referring_domain(url), utm_of(url)
