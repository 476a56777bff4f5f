"""What is kept of each field of an event, as the list of events gives it back."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bad_ingest_cases import nested
from http_rig import DAY, HOUR, MINUTE, NOON, SECOND, Api, body_of, event, iso

FIELDS = {
    "id",
    "event",
    "timestamp",
    "received_at",
    "distinct_id",
    "anonymous_id",
    "user_id",
    "session_id",
    "groups",
    "properties",
}
NO_AGENT = {"user-agent": ""}
"""A request that tells nothing which could be added to an event's properties."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def kept_properties(api: Api, text: str) -> dict[str, Any]:
    """The properties of one event, sent as exactly this JSON and read back."""
    body = json.dumps(body_of([event(properties="HERE")])).replace('"HERE"', text)
    answer = api.post_raw(body.encode("utf-8", "surrogatepass"), NO_AGENT)
    assert answer.status_code == 202, answer.text
    (found,) = api.listed()
    properties: dict[str, Any] = found["properties"]
    return properties


def test_an_event_comes_back_with_these_fields_and_no_others(api: Api) -> None:
    before = now_ms()
    sent = event("buy", "a1", NOON + 123, userId="u1", sessionId="s1", groups=["g1", "g2"], properties={"price": 9.5})
    found = api.stored(sent, user_agent="")
    after = now_ms()
    assert found.keys() == FIELDS
    assert UUID(found["id"]).version == 7
    assert before - 1 <= ms(found["received_at"]) <= after + 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["received_at"])
    assert {name: found[name] for name in FIELDS - {"id", "received_at"}} == {
        "event": "buy",
        "timestamp": "2025-06-15T12:00:00.123Z",
        "distinct_id": "u1",
        "anonymous_id": "a1",
        "user_id": "u1",
        "session_id": "s1",
        "groups": ["g1", "g2"],
        "properties": {"price": 9.5},
    }


def test_an_event_can_be_fetched_by_its_id_before_and_after_others_came(api: Api) -> None:
    first = api.stored(event("first"))
    api.send(event("second", "bob", NOON + 1))
    answer = api.http.get(api.path(f"events/{first['id']}"))
    assert answer.status_code == 200
    assert answer.json() == first
    assert api.http.get(api.path(f"events/{first['id'].upper()}")).json() == first


TIMES: list[tuple[Any, str]] = [
    (0, "1970-01-01T00:00:00.000Z"),
    (1, "1970-01-01T00:00:00.001Z"),
    (788_918_400_000, "1995-01-01T00:00:00.000Z"),
    (NOON, "2025-06-15T12:00:00.000Z"),
    (float(NOON), "2025-06-15T12:00:00.000Z"),
    (NOON + 0.25, "2025-06-15T12:00:00.000Z"),
    (1.75e12, "2025-06-15T15:06:40.000Z"),
    ("1995-01-01T00:00:00Z", "1995-01-01T00:00:00.000Z"),
    ("2025-06-15T12:00:00Z", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15T12:00:00.5Z", "2025-06-15T12:00:00.500Z"),
    ("2025-06-15T12:00:00.123Z", "2025-06-15T12:00:00.123Z"),
    ("2025-06-15T12:00:00.123456Z", "2025-06-15T12:00:00.123Z"),
    ("2025-06-15T12:00:00.123999+00:00", "2025-06-15T12:00:00.123Z"),
    ("2025-06-15T17:45:00+05:45", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15T02:30:00-09:30", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15T14:00:00+0200", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15T12:00:00", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15 12:00:00", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15T12:00", "2025-06-15T12:00:00.000Z"),
    ("2025-06-15", "2025-06-15T00:00:00.000Z"),
    ("20250615T120000Z", "2025-06-15T12:00:00.000Z"),
    ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
]


@pytest.mark.parametrize(("sent", "kept"), TIMES, ids=str)
def test_a_time_is_unix_milliseconds_or_iso_8601(api: Api, sent: Any, kept: str) -> None:
    assert api.stored(event(timestamp=sent))["timestamp"] == kept


@pytest.mark.parametrize("sent", [..., None])
def test_an_event_without_a_time_has_the_time_of_its_receipt(api: Api, sent: Any) -> None:
    before = now_ms()
    found = api.stored(event(timestamp=sent))
    assert found["timestamp"] == found["received_at"]
    assert before - 1 <= ms(found["timestamp"]) <= now_ms() + 1


def test_a_clock_may_be_a_day_ahead_and_no_more(api: Api) -> None:
    ahead = now_ms() + 24 * HOUR
    texts = [datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in (ahead - 30 * SECOND, ahead + 30 * SECOND)]
    events = [event(at=..., timestamp=at) for at in (ahead - 30 * SECOND, ahead + 30 * SECOND, ahead + 400 * DAY, *texts)]
    body = api.post_events(events).json()
    assert [error["index"] for error in body["errors"]] == [1, 2, 4]
    assert all("timestamp" in error["message"] and "24" in error["message"] for error in body["errors"])
    assert len(api.listed()) == 2


NAMES = [
    ("  view ", "view"),
    ("\t\nview\r\n", "view"),
    ("\u2003view\u00a0", "view"),
    ("two words", "two words"),
    ("n" * 200, "n" * 200),
    (" " * 300 + "n" * 200 + " " * 300, "n" * 200),
    ("ü" * 200, "ü" * 200),
    ("😀" * 200, "😀" * 200),
    ("$pageview", "$pageview"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("'; drop table events; --", "'; drop table events; --"),
    ('"quoted" \\ and {braced}', '"quoted" \\ and {braced}'),
    ("%_*?", "%_*?"),
]


@pytest.mark.parametrize(("sent", "kept"), NAMES, ids=lambda name: repr(name)[:30])
def test_a_name_is_trimmed_and_otherwise_any_text_of_200_characters(api: Api, sent: str, kept: str) -> None:
    assert api.stored(event(sent))["event"] == kept
    assert [found["event"] for found in api.listed(event=kept)] == [kept]


@pytest.mark.parametrize(
    ("anonymous", "user", "distinct"),
    [
        ("a1", ..., "a1"),
        ("a1", None, "a1"),
        ("a1", "u1", "u1"),
        (..., "u1", "u1"),
        (None, "u1", "u1"),
        ("i" * 200, ..., "i" * 200),
    ],
)
def test_the_distinct_id_is_the_user_id_where_there_is_one(api: Api, anonymous: Any, user: Any, distinct: str) -> None:
    found = api.stored(event(anonymousId=anonymous, userId=user))
    assert found["distinct_id"] == distinct
    assert found["anonymous_id"] == (None if anonymous is ... else anonymous)
    assert found["user_id"] == (None if user is ... else user)


def test_identify_links_what_comes_after_it_and_not_what_came_before(api: Api) -> None:
    api.send(
        event("before", "a1", NOON), event("$identify", "a1", NOON + 1, userId="u1"), event("after", "a1", NOON + 2, userId="u1")
    )
    assert [(found["event"], found["distinct_id"]) for found in api.listed()] == [
        ("after", "u1"),
        ("$identify", "u1"),
        ("before", "a1"),
    ]


def test_groups_are_kept_in_order_and_absent_ones_are_none(api: Api) -> None:
    api.send(
        event("some", at=..., timestamp=NOON + 3, groups=["b", "a", "ü"]),
        event("none", at=..., timestamp=NOON + 2, groups=[]),
        event("null", at=..., timestamp=NOON + 1, groups=None),
        event("absent", at=..., timestamp=NOON),
    )
    assert [found["groups"] for found in api.listed()] == [["b", "a", "ü"], [], [], []]


def test_a_session_id_is_kept_as_it_is(api: Api) -> None:
    assert api.stored(event(sessionId="s" * 200))["session_id"] == "s" * 200


@pytest.mark.parametrize("absent", [..., None, ""])
def test_events_without_a_session_are_one_until_half_an_hour_of_silence(api: Api, absent: Any) -> None:
    minutes = [0, 10, 40, 70, 100.0001, 131]
    api.send(*[event(str(place), "ann", NOON + minute * MINUTE, sessionId=absent) for place, minute in enumerate(minutes)])
    api.send(event("other", "bob", NOON + MINUTE, sessionId=absent))
    found = {each["event"]: each["session_id"] for each in api.listed()}
    assert all(found.values())
    assert found["0"] == found["1"] == found["2"] == found["3"]
    assert len({found["0"], found["4"], found["5"], found["other"]}) == 4


def test_an_event_that_comes_late_joins_the_two_sessions_that_it_lies_between(api: Api) -> None:
    api.send(event("a", "ann", NOON), event("c", "ann", NOON + 50 * MINUTE))
    assert len({found["session_id"] for found in api.listed()}) == 2
    api.send(event("b", "ann", NOON + 25 * MINUTE))
    assert len({found["session_id"] for found in api.listed()}) == 1


VALUES = [
    '{"a":null,"b":true,"c":false,"d":"","e":[],"f":{}}',
    '{"n":[0,-0.0,1,-1,1.5,1e3,1E-7,123456789012345,0.1,1.7976931348623157e308,5e-324]}',
    '{"min":-9223372036854775808,"max":9223372036854775807,"unsigned":18446744073709551615}',
    '{"nested":{"list":[1,"two",{"three":[null,[true]]}],"object":{"":{"a b":1}}}}',
    '{"":"an empty key","a.b":1,"a/b":2,"a~b":3,"$.*":4,"[0]":5,"\\"":6,"\\\\":7,"a":{"b":8}}',
    '{"text":"\\b\\f\\n\\r\\t\\/\\\\\\" \\u00e9 \\u20ac \\ud83d\\ude00"}',
    '{"ünïcødé":"日本語 😀 \U0010ffff \u200b\u202e","e\u0301":"\u00e9"}',
    '{"date":"2025-01-31T12:00:00Z","number":"10","true":"true","null":"null"}',
    "{}",
]


@pytest.mark.parametrize("text", VALUES, ids=lambda text: text[:30])
def test_properties_are_kept_exactly(api: Api, text: str) -> None:
    kept, sent = kept_properties(api, text), json.loads(text)
    assert json.dumps(kept, sort_keys=True) == json.dumps(sent, sort_keys=True)


@pytest.mark.parametrize("absent", [..., None])
def test_absent_properties_are_an_empty_object(api: Api, absent: Any) -> None:
    assert api.stored(event(properties=absent), user_agent="")["properties"] == {}


@pytest.mark.parametrize(
    ("integer", "kept"), [(2**64, 2.0**64), (-(2**63) - 1, -(2.0**63)), (10**30, 1e30), (-(10**300), -1e300)]
)
def test_an_integer_beyond_64_bits_becomes_a_double(api: Api, integer: int, kept: float) -> None:
    found = kept_properties(api, f'{{"p":{integer},"list":[{integer}]}}')
    assert float(found["p"]) == kept
    assert found["list"] == [found["p"]]
    assert len(api.listed(filters=[{"property": "p", "operator": "exact", "value": integer}])) == 1


def test_of_duplicate_keys_the_last_wins_wherever_they_are(api: Api) -> None:
    inner = '{"p":1,"p":{"q":1,"q":[2]},"r":1,"p":{"q":2,"s":3,"q":4}}'
    whole = f'{{"event":"old","event":"new","timestamp":1,"timestamp":{NOON},"anonymousId":"a","anonymousId":"b",'
    whole += f'"properties":{{"lost":1}},"properties":{inner}}}'
    body = f'{{"projectToken":"x","events":[5],"projectToken":"sv_pub_dev","events":[{whole}]}}'
    assert api.post_raw(body.encode(), NO_AGENT).status_code == 202
    (found,) = api.listed()
    assert (found["event"], found["timestamp"], found["distinct_id"]) == ("new", iso(NOON), "b")
    assert found["properties"] == {"p": {"q": 4, "s": 3}, "r": 1}


UNSTORABLE = [
    ("an escaped NUL", rb"\u0000"),
    ("a raw NUL", b"\0"),
    ("an escaped high surrogate", rb"\ud83d"),
    ("an escaped low surrogate", rb"\uDE00"),
    ("a raw surrogate", b"\xed\xa0\xbd"),
    ("a stray byte", b"\xff"),
    ("a truncated character", b"\xe2\x82"),
    ("an overlong slash", b"\xc0\xaf"),
]


@pytest.mark.parametrize(("title", "bad"), UNSTORABLE, ids=[title for title, _ in UNSTORABLE])
def test_what_no_text_can_hold_is_repaired_and_costs_nothing(api: Api, title: str, bad: bytes) -> None:
    sent = event(
        "viewMARK", "annMARK", userId="uMARK", sessionId="sMARK", groups=["gMARK"], properties={"kMARK": "v MARK v", "ok": 1}
    )
    body = json.dumps(body_of([sent, event("other", "bob", NOON - 1)])).encode().replace(b"MARK", bad)
    answer = api.post_raw(body, NO_AGENT)
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 2
    found, other = api.listed()
    assert other["event"] == "other"
    whole = json.dumps(found, ensure_ascii=False)
    assert re.search("v \ufffd+ v", whole)
    assert re.fullmatch("view\ufffd+", found["event"])
    assert re.fullmatch("u\ufffd+", found["distinct_id"])
    assert re.fullmatch("ann\ufffd+", found["anonymous_id"])
    assert re.fullmatch("s\ufffd+", found["session_id"])
    assert re.fullmatch("g\ufffd+", found["groups"][0])
    assert found["properties"]["ok"] == 1
    assert [key for key in found["properties"] if re.fullmatch("k\ufffd+", key)]


@pytest.mark.parametrize("bad", [rb"\u0000", rb"\ud83d", rb"\uDE00"])
def test_what_was_repaired_is_asked_for_as_it_was_sent(api: Api, bad: bytes) -> None:
    sent = [event("view", "ann", properties={"k": "v MARK v"}), event("view", "bob", properties={"k": "v v"})]
    assert api.post_raw(json.dumps(body_of(sent)).encode().replace(b"MARK", bad), NO_AGENT).status_code == 202
    filters = json.dumps([{"property": "k", "operator": "exact", "value": "v MARK v"}]).encode().replace(b"MARK", bad)
    question = b'{"events":[{"name":"view"}],"date_from":"2000-01-01","filters":' + filters + b"}"
    answer = api.http.post(api.path("insights/trends"), content=question, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["series"][0]["total"]) == (200, 1)
    assert [found["distinct_id"] for found in api.listed(filters=filters.decode())] == ["ann"]


def test_what_only_looks_like_a_nul_or_a_surrogate_is_left_alone(api: Api) -> None:
    text = r'{"p":"\\u0000","q":"\\\ud83d\ude00","r":"\\ud83d","s":"\ud83d\ude00\ud83d","t":"\ud83d\u0041","u":"u0000"}'
    found = kept_properties(api, text)
    assert found == {"p": "\\u0000", "q": "\\😀", "r": "\\ud83d", "s": "😀\ufffd", "t": "\ufffdA", "u": "u0000"}


def test_control_characters_in_escapes_are_kept(api: Api) -> None:
    assert kept_properties(api, r'{"p":"\u0001\u001f\u007f\u0085\u2028"}') == {"p": "\x01\x1f\x7f\x85\u2028"}


def test_properties_of_64_kibibytes_are_kept_and_of_a_byte_more_are_not(api: Api) -> None:
    exact = {"p": "x" * (65_536 - len('{"p":""}'))}
    answer = api.post_events([event("exact", properties=exact), event("more", properties={"p": exact["p"] + "x"})], NO_AGENT)
    assert [error["index"] for error in answer.json()["errors"]] == [1]
    (found,) = api.listed()
    assert found["properties"] == exact


def test_properties_may_nest_32_levels_and_no_more(api: Api) -> None:
    lists: Any = 1
    for _ in range(31):
        lists = [lists]
    events = [
        event("exact", properties=nested(32)),
        event("more", properties=nested(33)),
        event("lists", properties={"p": lists}),
    ]
    events.append(event("more lists", properties={"p": [lists]}))
    answer = api.post_events(events, NO_AGENT)
    assert [error["index"] for error in answer.json()["errors"]] == [1, 3]
    found = {each["event"]: each["properties"] for each in api.listed()}
    assert found == {"exact": nested(32), "lists": {"p": lists}}
