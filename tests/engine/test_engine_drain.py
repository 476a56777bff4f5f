"""What the drain keeps: properties as they were sent, ids that never change, each event id once, and nothing of a bad batch."""

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model.batch import VERSION, Batch, StoredBatch
from sv.model.limits import DAY_MS, HOUR_MS, MAX_EVENTS_PER_REQUEST
from tests.engine.rig import NOON, RECEIVED, SALT, BadBatch, Event, Rig, event, events, opened

# ---- Properties ----

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
border = st.sampled_from([0, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64, 2**64 + 1, 10**25, 10**400])
integers = st.one_of(st.integers(-(2**70), 2**70), border, border.map(lambda n: -n))
numbers = st.one_of(integers, st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def as_stored(value: Any) -> Any:
    """What is to be read of a value that was sent: the same, but for integers outside 64 bits."""
    if isinstance(value, dict):
        return {key: as_stored(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_stored(inner) for inner in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        return max(min(value, sys.float_info.max), -sys.float_info.max) if abs(value) > 10**308 else float(value)
    return value


def check_kept(rig: Rig, sent: list[dict[str, Any]]) -> None:
    generation = rig.buffer(rig.batch([event("e", "ann", NOON) | {"properties": properties} for properties in sent]))
    try:
        for properties, row in zip(sent, rig.table("properties"), strict=True):
            # repr tells 1 from 1.0 and from true, and 0.0 from -0.0.
            assert repr(msgspec.json.decode(row["properties"])) == repr(as_stored(properties))
    finally:
        rig.tables.drop_buffer(generation)
        rig.buffers.remove(generation)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(texts, values, max_size=5), min_size=1, max_size=30))
def test_properties_are_kept_as_they_were_sent(shared_rig: Rig, sent: list[dict[str, Any]]) -> None:
    check_kept(shared_rig, sent)


def test_awkward_properties_are_kept_as_they_were_sent(shared_rig: Rig) -> None:
    deep: Any = "bottom"
    for level in range(30):
        deep = {"d": deep} if level % 2 else [deep]
    check_kept(
        shared_rig,
        [
            {},
            {"": ""},
            {"$.*": 1, "/": 2, "~": 3, "a/b": 4, '"': 5, "\\": 6, "'": 7, "$current_url": None, "0": 8, "-": 9},
            {
                "numbers": [
                    0,
                    -0.0,
                    1,
                    1.0,
                    1e2,
                    1e-7,
                    5e-324,
                    1.7976931348623157e308,
                    0.1,
                    1 / 3,
                    123456789012345680.0,
                    2**53 + 1,
                ]
            },
            {"borders": [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**400, -(10**400)]},
            {
                "looks like one": ":[12345678901234567890",
                "n": [18446744073709551615, -9223372036854775808],
                "s": "[-99999999999999999999",
            },
            {"text": 'ü\u2028\u2029\ufeff\U0001f600\x01\x7f\t\n\r"\\/</script>', "ü\n": "\ufffd"},
            {"deep": deep},
            {"long": "x" * 60_000},
            {"keys": {str(n): n for n in range(2000)}},
        ],
    )


def test_a_big_integer_is_stored_as_a_double_wherever_it_stands(rig: Rig) -> None:
    rig.buffer(rig.batch([event("e", "ann", NOON, a=2**64, b=[{"c": -(2**63) - 1}], d="18446744073709551616")]))
    (row,) = rig.table("properties, json_type(properties, ['/a', '/b/0/c', '/d']) as kinds")
    assert row["kinds"] == ["DOUBLE", "DOUBLE", "VARCHAR"]
    read = json.loads(row["properties"])  # takes an integer of any size for one, so that it tells what is written
    assert repr(read) == repr({"a": 2.0**64, "b": [{"c": -(2.0**63)}], "d": "18446744073709551616"})


@pytest.mark.parametrize("before", range(4))
def test_an_integer_beyond_64_bits_is_found_wherever_it_lies_in_its_batch(rig: Rig, before: int) -> None:
    sent = [event("e" * (before + 1), "ann", NOON, a=-(2**63) - 1), event("e", "ann", NOON, a=2**63)]
    rig.buffer(rig.batch(sent))
    read = [json.loads(row["properties"])["a"] for row in rig.table("properties")]
    assert sorted(map(repr, read)) == sorted([repr(-(2.0**63)), repr(2**63)])


def test_an_event_without_properties_has_none(rig: Rig) -> None:
    rig.buffer(rig.batch([{"event": "e", "userId": "u"}, {"event": "e", "userId": "u", "properties": None}]))
    assert [row["properties"] for row in rig.table("properties")] == ["{}", "{}"]
    assert [row.enriched.get("$browser") for row in rig.rows()] == ["Chrome", "Chrome"]


def test_the_other_fields_are_kept_as_they_were_sent(rig: Rig) -> None:
    rig.buffer(
        rig.batch(
            [
                {"event": " Näme\u2028 ", "userId": "u'\"", "anonymousId": "a", "sessionId": "s", "groups": ["x", "", "ü"], "timestamp": NOON + 1},
                {"event": "e", "anonymousId": "a", "groups": [], "sessionId": "", "timestamp": NOON},
            ],
            received_ms=RECEIVED + 7,
        )
    )  # fmt: skip
    first, second = rig.rows()
    assert (first.event, first.distinct_id, first.user_id, first.anonymous_id) == ("Näme", "u'\"", "u'\"", "a")
    assert (first.session_id, first.groups, first.timestamp_ms, first.received_ms) == (
        "s",
        ["x", "", "ü"],
        NOON + 1,
        RECEIVED + 7,
    )
    assert (second.distinct_id, second.user_id, second.groups) == ("a", None, [])
    assert second.session_id.startswith("auto-")


def test_persons_are_numbered_by_project_and_distinct_id(rig: Rig) -> None:
    sent = [
        {"event": "e", "anonymousId": "a"},
        {"event": "e", "anonymousId": "a", "userId": "u"},
        {"event": "e", "anonymousId": "u"},
    ]
    rig.buffer(rig.batch(sent), rig.batch(sent, project="q"))
    numbers = rig.persons.numbers
    for project in ("p", "q"):
        rows = rig.table("distinct_id, person", project)
        assert [(row["distinct_id"], row["person"]) for row in rows] == [
            (name, numbers[project, name]) for name in ("a", "u", "u")
        ]
    assert sorted(numbers.values()) == [1, 1, 2, 2]  # each project counts its own


# ---- Ids ----


def ids(rig: Rig) -> list[uuid.UUID]:
    return [row["id"] for row in rig.table("id")]


def test_an_id_is_a_version_7_uuid_of_the_events_time(rig: Rig) -> None:
    times = [0, 1, NOON, NOON + 999, RECEIVED + DAY_MS]
    seqs = [1, 2**19 - 1, 2**19, 2**33 - 1, 2**33, 2**44, 2**45 - 1]
    rig.buffer(*[rig.batch([event("e", "ann", at_ms) for at_ms in times], seq=seq) for seq in seqs])
    rows = rig.table("id, epoch_ms(timestamp) as at_ms")
    assert len({row["id"] for row in rows}) == len(times) * len(seqs)
    for row in rows:
        assert (row["id"].version, row["id"].variant) == (7, uuid.RFC_4122)
        assert row["id"].int >> 80 == row["at_ms"]
        assert row["id"].int & 0x3FFFF == SALT
    # Within a millisecond ids rise with the log position, also where it fills one field and goes on in the next.
    first = [row["id"] for row in rows if row["at_ms"] == 0]
    assert [sequence_number(made) for made in first] == seqs
    assert first == sorted(first, key=str)


def sequence_number(made: uuid.UUID) -> int:
    """The log position in an id: 12 bits beside the version, 14 beside the variant, 19 behind them."""
    return (made.int >> 64 & 0xFFF) << 33 | (made.int >> 48 & 0x3FFF) << 19 | made.int >> 29 & 0x7FFFF


def test_ids_of_one_millisecond_are_in_the_order_of_arrival(rig: Rig) -> None:
    full = [event(str(place), "ann", NOON) for place in range(MAX_EVENTS_PER_REQUEST)]
    rig.buffer(rig.batch(full), rig.batch([event("last", "ann", NOON)]))
    assert [row["event"] for row in rig.table("event")] == [*(str(place) for place in range(MAX_EVENTS_PER_REQUEST)), "last"]


def test_draining_again_makes_the_same_rows(tmp_path: Path) -> None:
    answers: list[Any] = []
    for folder in ("one", "two"):
        with opened(tmp_path / folder) as rig:
            batches = [rig.batch(events("ann: view@0m, buy@1m; bob: view@0m"), seq=seq) for seq in (7, 8, 2**44 + 5)]
            if folder == "one":
                rig.buffer(*batches)
            else:
                for batch in batches:
                    rig.buffer(batch)
            answers.append(rig.table("*"))
    assert answers[0] == answers[1]
    assert len(answers[0]) == 9


# ---- Event ids ----

ONE, TWO, THREE = (str(uuid.UUID(int=n)) for n in (1, 2, 3))


def marked(*marks: tuple[str, str | None], at_ms: int = NOON) -> list[Event]:
    """Events of these names and event ids."""
    return [event(name, "ann", at_ms) | ({"eventId": mark} if mark else {}) for name, mark in marks]


def kept(rig: Rig, project: str = "p") -> list[str]:
    return sorted(row["event"] for row in rig.table("event", project))


def test_an_event_id_is_stored_once_within_a_batch_and_the_first_stays(rig: Rig) -> None:
    rig.buffer(rig.batch(marked(("a", ONE), ("b", None), ("c", TWO), ("d", ONE.upper()), ("e", None), ("f", ONE))))
    assert kept(rig) == ["a", "b", "c", "e"]


def test_an_event_id_is_stored_once_across_batches_drains_and_buffers(rig: Rig) -> None:
    generation = rig.buffer(rig.batch(marked(("a", ONE), ("b", TWO))), rig.batch(marked(("c", ONE), ("d", THREE))))
    assert rig.tables.drain(generation, [rig.batch(marked(("e", TWO), ("f", None)))]) == 1
    rig.buffer(rig.batch(marked(("g", THREE), ("h", ONE))))
    assert kept(rig) == ["a", "b", "d", "f"]


def test_an_event_id_counts_by_project(rig: Rig) -> None:
    rig.buffer(rig.batch(marked(("a", ONE))), rig.batch(marked(("b", ONE)), project="q"))
    rig.buffer(rig.batch(marked(("c", ONE))), rig.batch(marked(("d", ONE)), project="q"))
    assert (kept(rig), kept(rig, "q")) == (["a"], ["b"])


def test_an_event_id_is_stored_again_when_its_window_is_over(rig: Rig) -> None:
    for name, received_ms in [("a", 0), ("b", DAY_MS - 1), ("c", DAY_MS), ("d", 2 * DAY_MS - 1), ("e", 2 * DAY_MS), ("f", 1)]:
        rig.buffer(rig.batch(marked((name, ONE)), received_ms=RECEIVED + received_ms))
    assert kept(rig) == ["a", "c", "e"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60)), min_size=1, max_size=14), st.data())
def test_which_of_repeated_events_stay_does_not_hang_on_how_the_log_is_cut(
    shared_rig: Rig, sent: list[tuple[int, int]], data: st.DataObject
) -> None:
    rig = shared_rig
    sent = sorted(sent, key=lambda item: item[1])
    expected: list[str] = []
    latest: dict[int, int] = {}
    for place, (mark, hour) in enumerate(sent):
        if mark not in latest or hour - latest[mark] >= 24:
            latest[mark] = hour
            expected.append(str(place))
    batches = [
        rig.batch(marked((str(place), str(uuid.UUID(int=mark)))), received_ms=RECEIVED + hour * HOUR_MS)
        for place, (mark, hour) in enumerate(sent)
    ]
    rig.buffer()
    try:
        start = 0
        while start < len(batches):
            stop = data.draw(st.integers(start + 1, len(batches)))  # which may end the example
            rig.tables.drain(rig.buffers[-1], batches[start:stop])
            start = stop
        assert [row["event"] for row in rig.table("event")] == sorted(expected, key=lambda name: (NOON, int(name)))
    finally:
        rig.tables.drop_buffer(rig.buffers.pop())
        rig.tables.forget_event_ids(2**47)


def test_event_ids_are_recalled_from_parts_before_the_first_that_could_repeat_one(tmp_path: Path) -> None:
    with opened(tmp_path) as before:
        before.flush(before.buffer(before.batch(marked(("a", ONE), ("b", None))), before.batch(marked(("x", ONE)), project="q")))
        before.flush(before.buffer(before.batch(marked(("old", TWO)), received_ms=RECEIVED - DAY_MS)))
        parts = before.parts
    recalled: list[str] = []

    def recall() -> None:
        recalled.append("once")
        after.tables.recall_event_ids([(part.project_id, tmp_path / part.path) for part in parts], RECEIVED - DAY_MS + 1)

    with opened(tmp_path, recall=recall) as after:
        after.buffer(after.batch(marked(("c", None)), seq=101))
        assert recalled == []
        after.buffer(after.batch(marked(("d", ONE), ("e", TWO), ("f", THREE)), seq=102))
        after.buffer(after.batch(marked(("g", ONE), ("h", THREE)), project="q", seq=103))
        assert recalled == ["once"]
        assert (kept(after), kept(after, "q")) == (["c", "e", "f"], ["h"])


def test_event_ids_that_are_forgotten_may_come_again(rig: Rig) -> None:
    rig.buffer(rig.batch(marked(("a", ONE))), rig.batch(marked(("b", TWO)), received_ms=RECEIVED + 1))
    rig.tables.forget_event_ids(RECEIVED + 1)
    rig.buffer(rig.batch(marked(("c", ONE), ("d", TWO))))
    assert kept(rig) == ["a", "b", "c"]


def test_event_ids_are_remembered_later_where_that_is_asked_for(rig: Rig) -> None:
    rig.buffer()
    (generation,) = rig.buffers
    rig.tables.drain(generation, [rig.batch(marked(("a", ONE), ("b", ONE)))], remember_event_ids=False)
    rig.buffer(rig.batch(marked(("c", ONE))))
    rig.tables.remember_event_ids(generation)
    rig.buffer(rig.batch(marked(("d", ONE))))
    assert kept(rig) == ["a", "c"]


# ---- Bad batches ----

GOOD = b'[{"event":"e","timestamp":1,"anonymousId":"a"}]'


def raw(content: bytes, *, count: int = 1, project: str = "p", seq: int = 99) -> StoredBatch:
    return StoredBatch(seq, Batch(VERSION, project, RECEIVED, count, "", None, b"", b"", content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b'[{"event":"e","timestamp":1,"anonymousId":"a"}',
        b'[{"event":"\xff","timestamp":1,"anonymousId":"a"}]',
        b'{"event":"e","timestamp":1,"anonymousId":"a"}',
        b"[]",
        b"[null]",
        b"[7]",
        b'[{"timestamp":1,"anonymousId":"a"}]',
        b'[{"event":"e","anonymousId":"a"}]',
        b'[{"event":"e","timestamp":1}]',
        b'[{"event":"e","timestamp":"x","anonymousId":"a"}]',
        b'[{"event":"e","timestamp":99999999999999999999,"anonymousId":"a"}]',
        b'[{"event":"e","timestamp":9223372036854775807,"anonymousId":"a"}]',
        b'[{"event":"e","timestamp":-1,"anonymousId":"a"}]',
        GOOD[:-1] + b"," + GOOD[1:],
    ],
    ids=lambda content: content[:40].decode("latin-1") or "nothing",
)
def test_a_bad_batch_is_refused_and_leaves_nothing_behind(rig: Rig, content: bytes) -> None:
    generation = rig.buffer(rig.batch(marked(("a", ONE))))
    fine = rig.batch(marked(("b", TWO)))
    with pytest.raises(BadBatch):
        rig.tables.drain(generation, [fine, raw(content)])
    assert kept(rig) == ["a"]
    assert rig.tables.drain(generation, [fine]) == 1
    assert kept(rig) == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [
        b'[{"event":"ann@example.com","timestamp":"ann@example.com","anonymousId":"ann@example.com"}]',
        b'[{"event":"ann@example.com","timestamp":1,"anonymousId":"ann@example.com"}',
        b'"ann@example.com"',
    ],
)
def test_what_is_said_of_a_bad_batch_is_nothing_of_its_content(rig: Rig, content: bytes) -> None:
    generation = rig.buffer()
    with pytest.raises(BadBatch) as caught:
        rig.tables.drain(generation, [raw(content)])
    assert "ann" not in str(caught.value)


def test_a_fault_while_numbering_persons_leaves_nothing_behind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    generation = rig.buffer(rig.batch(marked(("a", ONE))))
    fine = rig.batch(marked(("b", TWO)))

    def refuse(project_id: str, distinct_ids: str) -> str:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(rig.tables, "_number_persons", refuse)
        with pytest.raises(OSError, match="the disk is gone"):
            rig.tables.drain(generation, [fine])
    assert rig.tables.drain(generation, [fine]) == 1
    assert kept(rig) == ["a", "b"]
