"""The quick way of decoding a request and the slow one are the same in all but speed."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv.ingest.decode import decode_quickly, is_dense
from sv.ingest.events import Decoded
from sv.ingest.one_by_one import decode_slowly, token_of
from sv.model.errors import InvalidParameter, PayloadTooLarge, ValidationFailed
from sv.model.limits import MAX_DEPTH, MAX_PROPERTIES_BYTES

NOW = 1_760_000_000_000
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3))
)


def body_of(*properties: dict[str, Any]) -> bytes:
    events = [{"event": "e", "userId": "u", "timestamp": NOW, "properties": each} for each in properties]
    return json.dumps({"projectToken": "t", "events": events}).encode()


def nested(levels: int, kind: str) -> dict[str, Any]:
    """Properties whose containers nest so deep, themselves counted."""
    value: Any = 1
    for level in range(levels - 1):
        value = [value] if kind == "lists" or (kind == "both" and level % 2) else {"a": value}
    return {"a": value}


@given(st.lists(st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4), min_size=1, max_size=4))
def test_both_ways_say_the_same_of_any_properties(sent: list[dict[str, Any]]) -> None:
    body = body_of(*sent)
    slow = decode_slowly(body, NOW)
    assert slow.accepted == len(sent)
    assert decode_quickly(body, NOW) == slow


@pytest.mark.parametrize("kind", ["lists", "objects", "both"])
def test_both_ways_say_the_same_at_every_depth(kind: str) -> None:
    for levels in range(1, MAX_DEPTH + 10):
        quick = decode_quickly(body_of(nested(levels, kind), {"a": 1}), NOW)
        assert isinstance(quick, Decoded)
        assert quick == decode_slowly(body_of(nested(levels, kind), {"a": 1}), NOW)
        assert [rejection.code for rejection in quick.rejections] == (["NESTED_TOO_DEEP"] if levels > MAX_DEPTH else []), levels


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ('"timestamp":1e400', "got 1e400 (timestamp)"),
        ('"properties":{"a":-1e400}', 'got {"a":-1e400} (properties)'),
        ('"properties":{"a":1e400,"b":"' + "x" * 200 + '"}', "x… (properties)"),
        ('"sessionId":5,"properties":{"a":1e400}', "got 5 (sessionId)"),
        ('"groups":{"a":1}', "got an object of 1 (groups)"),
        ('"event":null', "got none (event)"),
    ],
)
def test_a_refused_event_shows_what_was_sent_also_where_it_is_no_number_of_ours(member: str, told: str) -> None:
    event = '{"event":"e","userId":"u",' + member + "}"
    decoded = decode_slowly(b'{"projectToken":"t","events":[' + event.encode() + b"]}", NOW)
    (rejected,) = decoded.rejections
    assert rejected.message.endswith(told)


FIELDS = {
    "event": ("5", '"e"'),
    "userId": ("[]", '"u"'),
    "timestamp": ("{}", "1760000000000"),
    "properties": ('"no"', '{"a":1}'),
    "sessionId": ("7", '"s"'),
}
"""Of each a value that won't do, and one that will."""


@pytest.mark.parametrize("name", FIELDS)
def test_of_a_field_that_is_there_twice_the_last_counts(name: str) -> None:
    wrong, right = FIELDS[name]
    rest = ",".join(f'"{other}":{value}' for other, (_, value) in FIELDS.items() if other != name)
    for first, last in ((wrong, right), (right, wrong), (right, right)):
        event = f'{{"{name}":{first},{rest},"{name}":{last}}}'
        body = f'{{"projectToken":"t","events":[{event}]}}'.encode()
        decoded = decode_slowly(body, NOW)
        assert decoded.accepted == (last == right), event
        if decoded.accepted:
            assert decoded == decode_slowly(body.replace(f'"{name}":{first},'.encode(), b"", 1), NOW)
        assert decode_quickly(body, NOW) in (None, decoded)


def crowded(item: str, events: int, more: str = "") -> bytes:
    """Events whose properties are nearly as large as they may be, and hold nothing but this."""
    inner = ",".join([item] * ((MAX_PROPERTIES_BYTES - 16) // (len(item) + 1)))
    return (
        json.dumps({"projectToken": "t", "events": [{"event": "e", "userId": "u", "timestamp": NOW}] * events})
        .encode()
        .replace(b'"event": "e"', b'"event": "e", "properties": {"x":[' + inner.encode() + b"]}" + more.encode())
    )


@pytest.mark.parametrize("item", ["[]", "1", "[[[[[[[[[[]]]]]]]]]]", "{}"])
def test_events_of_many_values_are_decoded_one_by_one_without_all_of_them_in_memory(item: str) -> None:
    body = crowded(item, 8)
    assert is_dense(body)
    assert not is_dense(body_of(*[{"plan": "pro", "price": 1.5, "tags": ["a", "b"], "more": {"a": [1]}}] * 2000))
    assert decode_slowly(crowded(item, 2), NOW) == decode_quickly(crowded(item, 2), NOW)
    tracemalloc.start()
    try:
        decoded = decode_slowly(body, NOW)
        assert decoded.accepted == 8
        assert tracemalloc.get_traced_memory()[1] < 6 << 20  # at once they take up to 22 megabytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("item", [b"0", b"{}", b'{"event":"e","userId":"u"}', b"[[],[]]"])
def test_events_far_beyond_what_a_request_may_have_are_refused_without_a_place_for_each_in_memory(item: bytes) -> None:
    body = b'{"projectToken":"t","events":[' + b",".join([item] * 500_000) + b"]}"
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLarge) as raised:
            decode_slowly(body, NOW)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body) + (4 << 20)  # half a million items take 28 megabytes more
    finally:
        tracemalloc.stop()
    assert raised.value.message == "expected at most 2000 events, got more (events)"


def test_as_many_events_as_a_request_may_have_are_taken_however_many_values_they_hold() -> None:
    properties = {"n": list(range(80))}
    assert decode_slowly(body_of(*[properties] * 2000), NOW).accepted == 2000
    with pytest.raises(PayloadTooLarge):
        decode_slowly(body_of(*[properties] * 2001), NOW)


def test_properties_of_too_many_values_are_refused_unless_something_else_is_wrong_first() -> None:
    lists = ",".join(["[]"] * MAX_PROPERTIES_BYTES)
    for more, code in (
        ("", "PROPERTIES_TOO_LARGE"),
        (',"sessionId":5', "INVALID_ID"),
        (',"timestamp":-1', "INVALID_TIMESTAMP"),
        (',"properties":{}', None),
    ):
        body = (
            b'{"projectToken":"t","events":[{"event":"e","userId":"u","properties":{"x":['
            + lists.encode()
            + b"]}"
            + more.encode()
            + b"}]}"
        )
        slow = decode_slowly(body, NOW)
        assert [rejection.code for rejection in slow.rejections] == ([code] if code else [])
        assert decode_quickly(body, NOW) in (None, slow)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" + b"[]," * 50_000 + b"[]]", "body: expected an object, got a long list"),
        (
            b'{"projectToken":"t","events":{"a":[' + b"1," * 50_000 + b"1]}}",
            "events: expected a list of events, got a large object",
        ),
        (b'{"projectToken":[' + b"1," * 50_000 + b'1],"events":[]}', "projectToken: expected a project token, got a long list"),
    ],
)
def test_what_is_large_and_of_a_wrong_kind_is_named_without_being_decoded(body: bytes, told: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        decode_slowly(body, NOW)
    assert raised.value.message == told


def test_the_token_is_found_without_a_look_into_the_events() -> None:
    assert token_of(b'{"events":[{"projectToken":"a","event":5}],"projectToken":"b"}') == "b"
    assert token_of(b'{"projectToken":"a","events":[],"projectToken":"\\u0062"}') == "b"
    for body in (
        b"[]",
        b"{",
        b'{"events":[]}',
        b'{"projectToken":5}',
        b'{"projectToken":"b","events":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ):
        assert token_of(body) is None


def test_numbers_that_are_none_as_python_writes_them_are_null_and_texts_stay_what_they_are() -> None:
    none = [float("nan"), float("inf"), float("-inf")]
    texts = ["NaN", '"NaN"', '\\" -Infinity, \\\\', "\\", '\\\\"Infinity"', ""]
    body = body_of({"none": none, "texts": texts, "a": none[0], "in": {"NaN": none[2], 'Infin"ity': texts}}, {"a": 1})
    decoded = decode_quickly(body, NOW)
    assert decoded is None
    slow = decode_slowly(body, NOW)
    assert (slow.accepted, slow.rejections) == (2, ())
    first, second = (event["properties"] for event in json.loads(slow.events_json))
    assert first == {"none": [None] * 3, "texts": texts, "a": None, "in": {"NaN": None, 'Infin"ity': texts}}
    assert second == {"a": 1}


@pytest.mark.parametrize("broken", [b"NaNa", b"aNaN", b"1NaN", b"--Infinity", b'"NaN', b"NaN}"])
def test_what_only_looks_like_such_a_number_is_no_json(broken: bytes) -> None:
    with pytest.raises(InvalidParameter):
        decode_slowly(body_of({"a": "here"}).replace(b'"here"', broken), NOW)
