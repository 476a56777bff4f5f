"""The quick way of decoding a request and the slow one are the same in all but speed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv.ingest.decode import Decoded, decode_quickly, decode_slowly
from sv.model.limits import MAX_DEPTH

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
