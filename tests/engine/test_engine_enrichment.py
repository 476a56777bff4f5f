"""What the drain makes of properties, URLs and requests, against the same in plain Python."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.engine.duck.buffer.enrich import MAX_SEARCHED_BYTES, UTM_NAMES
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.model.enrichment import LOOKED_AT
from sv.model.filters import url_path
from tests.engine.rig import CHROME, NOON, Rig, event, properties_of
from tests.url_reference import referring_domain, utm_of

COLUMNS = ", ".join(STRING_PROPERTY_COLUMNS.values())
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

URLS = [
    "", "/", "//", "?", "#", "/p", "/p/", "/p//", "/p?q#f", "/p#f?q", "/?utm_source=a", "about:blank", "mailto:a@b/c?utm_source=x",
    "https://", "https:///", "https:///p/", "https://a", "https://a/", "https://a//", "https://a.example/p/q/?x=1#y/", "HTTP://A.EXAMPLE/P/",
    "https://a?/x", "https://a#/x", "https://a/ü/ß/?q=ä", "https://a/p\nq?x", "https://a/p\u2028/", "ftp+x-1.2://h/p", "1http://a/p", "://a/p",
    "https://a/?utm_source", "https://a/?utm_source=", "https://a/?utm_source=&utm_source=b", "https://a/?utm_source&utm_source=b",
    "https://a/?utm_source=b&utm_source=c", "https://a/?xutm_source=b", "https://a/?x&utm_source=b", "https://a/?x?utm_source=b",
    "https://a/?x=?&utm_source=b?c", "https://a/#?utm_source=b", "https://a/?#utm_source=b", "https://a/?utm_source=a#utm_source=b",
    "https://a/?utm_source=a+b%20c%2B", "https://a/?utm_source=%ff", "https://a/?utm_source=%ff+%41", "https://a/?utm_source=%", "https://a/?utm_source=%4",
    "https://a/?utm_source=%zz%41", "https://a/?utm_source=%00x", "https://a/?utm_source=%C3%BC", "https://a/?utm_source=ü%C3", "https://a/?utm_source=%F0%9F%98%80",
    "https://a/?UTM_SOURCE=x", "https://a/?utm_source%3Dx", "https://a/?utm_source=a=b", "https://a/?a;utm_source=b", "https://a/?&&utm_term=t&&",
    "https://a/?utm_medium=m&utm_campaign=c&utm_content=%26&utm_term=+", "https://a/?utm_source=%ED%A0%80", "https://a/?utm_source=%C0%80", "https://a/?\n&utm_source=\n",
    "utm_source=x", "?utm_source=x", "a?utm_source=x", "https://[::1]:80/p", "x" * 9000, "https://a/" + "p/" * 3000 + "?utm_source=" + "%41" * 900,
]  # fmt: skip
REFERRERS = [
    "", "https://a.example", "https://a.example/", "https://A.Example:8080/x", "https://a.example:", "https://a.example:80x/", "https://u:p@a.example/x",
    "https://u@v@a.example", "https://@a.example", "https://a.example@", "https://[2001:DB8::1]:443/x", "https://[::1", "https://::1/", "https://[::1]x/",
    "https://münchen.example/ß", "https://İstanbul.ΣΑΣ.example/", "https://a b/", "https://a\tb/", "https://a%41/", "https://a|b/", "https://a^b/", "https://a\\b/",
    "android-app://com.example.app/", "about:client", "//a.example/x", "a.example/x", "https:/a.example", "https://?x", "https://#x", "https:///x", "http://a?b@c",
    "http://a#b@c", "http://a\nb/", "http://user\n@host/", "http://a\x7fb/", "http://a<b>/", "http://1.2.3.4:5/", "HTTP://WWW.EXAMPLE/", "https://a..b/", "https://-/", "http://x\u00a0y/",
]  # fmt: skip


def stored(rig: Rig, all_properties: list[dict[str, Any]], columns: str, **request: Any) -> list[dict[str, Any]]:
    """Columns of one event for each of these properties, in their order. Leaves nothing behind."""
    sent = [event("e", "ann", NOON, **properties) for properties in all_properties]
    generation = rig.buffer(*[rig.batch(sent[start : start + 2000], **request) for start in range(0, len(sent), 2000)])
    try:
        return rig.table(columns)
    finally:
        rig.tables.drop_buffer(generation)
        rig.buffers.remove(generation)


def check_urls(rig: Rig, urls: list[str]) -> None:
    rows = stored(rig, [{"$current_url": url} for url in urls], f"current_url, url_path, {', '.join(UTM_NAMES)}")
    for url, row in zip(urls, rows, strict=True):
        expected = {"current_url": url, "url_path": url_path(url), **dict.fromkeys(UTM_NAMES), **utm_of(url)}
        assert row == expected


def check_referrers(rig: Rig, referrers: list[str]) -> None:
    rows = stored(rig, [{"$referrer": referrer} for referrer in referrers], "referring_domain")
    for referrer, row in zip(referrers, rows, strict=True):
        assert (referrer, row["referring_domain"]) == (referrer, referring_domain(referrer))


def test_paths_and_campaigns_of_awkward_urls_are_those_of_the_reference(shared_rig: Rig) -> None:
    check_urls(shared_rig, URLS)


def test_domains_of_awkward_referrers_are_those_of_the_reference(shared_rig: Rig) -> None:
    check_referrers(shared_rig, [*REFERRERS, *URLS])


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
marks = st.sampled_from(
    ["https://", "http://", "/", "//", "?", "#", "&", "=", "%", "+", "@", ":", "[", "]", ".", "a", "A", "ß", "İ", "Σ", " ", "\n", "%41", "%ff", "%C3%BC", "%00", *UTM_NAMES, "utm_source=", "&utm_medium=", "?utm_term=x", "example.org", "80"]
)  # fmt: skip
urls = st.lists(st.one_of(marks, st.text(characters, max_size=3)), max_size=14).map("".join)


@few
@given(st.lists(urls, min_size=30, max_size=60))
def test_paths_campaigns_and_domains_of_random_urls_are_those_of_the_reference(shared_rig: Rig, made: list[str]) -> None:
    check_urls(shared_rig, made)
    check_referrers(shared_rig, made)


WRONG_TYPES: list[Any] = [None, 0, 5, 1.5, True, False, [], ["x"], {}, {"x": "y"}]
RICH = {
    "$current_url": "https://shop.example/p?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e",
    "$referrer": "https://r.example/",
}


OWN: list[Any] = ["x", "", 'ü\\"\n', "null", *WRONG_TYPES]


@pytest.mark.parametrize("name", STRING_PROPERTY_COLUMNS)
def test_what_the_client_sent_is_never_overwritten(rig: Rig, name: str) -> None:
    sent = [event("e", "ann", NOON, **RICH | {name: own}) for own in OWN]
    rig.buffer(rig.batch(sent, country="DE"))
    for own, row in zip(OWN, rig.table(STRING_PROPERTY_COLUMNS[name]), strict=True):
        assert row[STRING_PROPERTY_COLUMNS[name]] == (own if isinstance(own, str) else None), own
    for own, read in zip(reversed(OWN), rig.rows(), strict=True):
        assert same(properties_of(read)[name], own)


def test_what_the_client_left_out_comes_from_the_request_and_its_urls(rig: Rig) -> None:
    rig.buffer(rig.batch([event("e", "ann", NOON, **RICH)], country="DE"), rig.batch([event("e", "bob", NOON)], user_agent=""))
    bob, ann = rig.rows()
    assert properties_of(ann) == RICH | {
        "$browser": "Chrome", "$browser_version": "126", "$os": "Windows", "$device_type": "Desktop", "$country": "DE",
        "$referring_domain": "r.example", "utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_term": "d", "utm_content": "e",
    }  # fmt: skip
    assert properties_of(bob) == {}


ABSENT: Any = object()


@pytest.mark.parametrize("user_agent", [CHROME, BOT], ids=["visitor", "bot"])
def test_a_bot_is_what_the_client_says_and_else_what_the_user_agent_says(shared_rig: Rig, user_agent: str) -> None:
    owns = [ABSENT, *WRONG_TYPES, "true", "false", 1, ["true"]]
    sent = [{} if own is ABSENT else {"$is_bot": own} for own in owns]
    for own, row in zip(owns, stored(shared_rig, sent, "is_bot, browser", user_agent=user_agent), strict=True):
        assert row["is_bot"] is (user_agent == BOT if own is ABSENT else own is True), own
        assert row["browser"] == (None if user_agent == BOT else "Chrome")


values = st.one_of(st.sampled_from([*OWN, BOT, *RICH.values()]), urls)
properties = st.dictionaries(st.sampled_from([*LOOKED_AT, "$browser_language", "plan"]), values, max_size=9)


@few
@given(st.lists(properties, min_size=1, max_size=4), st.sampled_from([CHROME, BOT, ""]))
def test_few_events_get_the_same_as_among_many(shared_rig: Rig, sent: list[dict[str, Any]], user_agent: str) -> None:
    """Of few events those expressions alone are worked out whose names they have in them."""
    columns = f"{COLUMNS}, is_bot"
    many: list[dict[str, Any]] = [*sent, *[{"long": "x" * (MAX_SEARCHED_BYTES // 4)}] * 4]
    assert (
        stored(shared_rig, sent, columns, user_agent=user_agent, country="DE")
        == (stored(shared_rig, many, columns, user_agent=user_agent, country="DE")[:-4])
    )


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: `1` is not `1.0` and not `true`, and `-0.0` is not `0.0`."""
    return repr(left) == repr(right)
