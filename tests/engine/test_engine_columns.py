"""Events of an import in columns: their rows are what canonical JSON gives, and their summaries what each event by itself gives."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.summaries import SUMMARIES, known, reading
from sv.imports.arrays import columns_of
from sv.ingest.events import ShallowEvent
from sv.model.batch import StoredBatch
from sv.model.enrichment import LOOKED_AT
from tests.engine.rig import NOON, RECEIVED, Event, Rig

NAMES = ["view", "é", "buy it", "$pageview", "$identify"]
TEXTS = ["", "a", 'a"b', "a\\b", "é😀", "\x0b\x1f", "x" * 300, "2026-01-02", "2026-01-02T03:04:05Z", "ab3e5cd", "x,y:{}"]
URLS = [
    "https://shop.example/", "https://shop.example/a/b/?utm_source=a%20b&utm_term=&utm_medium=%ff#x", "/only/path?x=1", "about:blank", "",
    "HTTP://User:pw@Shop.Example:8080/x?y#z", "https://[::1]/?utm_campaign=a+b&utm_campaign=c", "no url", 'https://shop.example/"\\',
]  # fmt: skip
VALUES: list[Any] = [
    *TEXTS, None, True, False, 0, -0.0, 10, 10.0, 1e15, 1e16, 1.5e300, 5.327337733681531e18, 1e-6, 1e-7, 0.1 + 0.2, 10**17, -(10**17), [], {},
    [1e18, {"a": [5.327337733681531e18]}], {"deep": {"er": ["x"]}}, [5.327337733681531e18] * 30, ["x" * 300],
]  # fmt: skip
KEYS = ["plan", "Plan", "PLAN", "price", 'a"b\\c', "é", "$set", "~/x", "", "k" * 300, *LOOKED_AT]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def odd_events(draw: random.Random, *, with_other_kinds: bool) -> list[Event]:
    keys = draw.sample(KEYS, draw.randrange(1, len(KEYS)))
    return [
        {
            "event": draw.choice(NAMES),
            "timestamp": NOON + draw.randrange(10**8),
            **draw.choice([{"anonymousId": f"a{n % 7}"}, {"userId": "u1"}, {"userId": "é", "anonymousId": f"a{n % 5}"}]),
            **draw.choice([{}, {"sessionId": f"s{n % 4}"}, {"sessionId": ""}]),
            **draw.choice([{}, {}, {"groups": ["acme", "é", ""]}, {"groups": []}]),
            **draw.choice(
                [{}, {"properties": {}}, {"properties": odd_properties(draw, keys, with_other_kinds=with_other_kinds)}]
            ),
        }
        for n in range(draw.randrange(1, 60))
    ]


def odd_properties(draw: random.Random, keys: list[str], *, with_other_kinds: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key in keys:
        if draw.random() < 0.7:
            is_text = key in LOOKED_AT and not with_other_kinds
            made[key] = draw.choice(URLS if key in ("$current_url", "$referrer") else TEXTS if is_text else VALUES)
    if not with_other_kinds:
        made.pop("$is_bot", None)
    return made


def in_columns(sent: list[Event], like: StoredBatch) -> StoredBatch:
    made = [ShallowEvent(**each) for each in sent]
    columns = columns_of(made, [each.timestamp for each in made], RECEIVED)
    assert columns is not None
    batch = type(like.batch)(*(b"" if name == "events" else getattr(like.batch, name) for name in like.batch.__struct_fields__))
    return StoredBatch(like.seq, batch, columns)


def rows_of(rig: Rig, generation: int) -> list[tuple[Any, ...]]:
    with rig.database.cursor() as cursor:
        return cursor.execute(f"select * from {buffer_name(generation)} order by id").fetchall()


@pytest.mark.parametrize("seed", range(25))
def test_events_in_columns_become_the_rows_that_their_json_becomes(rig: Rig, seed: int) -> None:
    draw = random.Random(seed)
    sent = [odd_events(draw, with_other_kinds=seed % 3 == 0) for _ in range(3)]
    batches = [rig.batch(each, user_agent="") for each in sent]
    columns = [in_columns(each, like) for each, like in zip(sent, batches, strict=True)]
    if len({each.columns is not None and each.columns.own is None for each in columns}) > 1:
        columns = columns[:1]
        batches = batches[:1]
    by_json, by_columns = rig.buffer(*batches), rig.buffer(*columns)
    assert rows_of(rig, by_columns) == rows_of(rig, by_json)


@pytest.mark.parametrize(
    "odd",
    [
        {"groups": ["a\0"]}, {"groups": ["\ud800"]}, {"eventId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, {"event": " a"}, {"event": "a\n"},
        {"timestamp": -1},
        {"timestamp": RECEIVED + 10**9}, {"timestamp": None}, {"timestamp": 1.5}, {"userId": None}, {"properties": {"a": "\0"}},
        {"properties": {"a": 10**25}}, {"properties": {"a": 2**63}}, {"properties": {"a": "x" * 70_000}}, {"properties": {"a": "\ud800"}},
        {"event": "\ud800"}, {"userId": "\ud800"}, {"sessionId": "\ud800"}, {"properties": {"$browser": "\ud800"}},
    ],
    ids=lambda odd: json.dumps(odd)[:30],
)  # fmt: skip
def test_what_ingest_would_change_or_refuse_or_read_otherwise_is_not_taken_in_columns(odd: dict[str, Any]) -> None:
    plain = {"event": "a", "timestamp": NOON, "userId": "u", "properties": {"x": 1}}
    for made in ([ShallowEvent(**plain)] * 2, [ShallowEvent(**plain), ShallowEvent(**plain | odd)]):
        assert (columns_of(made, [each.timestamp for each in made], RECEIVED) is None) == (made[0] is not made[1])


@pytest.mark.parametrize("seed", range(15))
def test_what_is_known_of_rows_changes_no_summary(rig: Rig, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    sent = [each for _ in range(4) for each in odd_events(draw, with_other_kinds=seed % 2 == 0)]
    lacking = draw.sample(["userId", "sessionId", "properties"], draw.randrange(4))
    have_sessions = draw.random() < 0.3
    for n, each in enumerate(sent):
        each |= {"anonymousId": each.get("anonymousId", "a")} | ({"sessionId": f"s{n % 9}"} if have_sessions else {})
        for name in lacking:
            each.pop(name, None)
    generation = rig.buffer(rig.batch(sent, user_agent=draw.choice(["", "Googlebot/2.1"])))
    few = items_of(rig, generation)
    with monkeypatch.context() as nothing_known:
        nothing_known.setattr(reading, "look", lambda *_: known.NOTHING)
        simply = items_of(rig, generation)
    assert few == simply
    monkeypatch.setattr(known, "FEW_ROWS", 0)
    assert items_of(rig, generation) == simply
    monkeypatch.setattr(known, "MIN_ROWS", 1)
    monkeypatch.setattr(known, "SAMPLED", 1)
    monkeypatch.setattr(known, "LEAST_SHARE", 0)
    monkeypatch.setattr(known, "MOST_NAMES", 1000)
    monkeypatch.setattr(known, "MAX_NAMES", draw.choice([1, 4, 64]))
    assert items_of(rig, generation) == simply
    assert set(simply) | {"aliases"} == set(SUMMARIES)


def items_of(rig: Rig, generation: int) -> dict[str, Any]:
    found: dict[str, list[Any]] = defaultdict(list)
    for summary in rig.tables.summarise([generation], 0, 2**45):
        found[summary.kind] += json.loads(summary.content)
    for person in found["persons"]:
        person[-2:] = map(sorted, person[-2:])
    return {kind: merged(items) if kind == "definitions" else sorted(map(json.dumps, items)) for kind, items in found.items()}


def merged(items: list[Any]) -> dict[str, Any]:
    """Definitions as they are merged: numbers add up, and the least examples stay."""
    told: dict[str, Any] = {}
    for kind, *item in items:
        names = json.dumps([kind, *item[: 2 if kind in ("pair", "day") else 1]])
        numbers, examples = (item[2:], []) if kind == "day" else (item[-8:-1], item[-1])
        before, others = told.get(names, ([0] * len(numbers), []))
        added = numbers if kind == "day" else [one + other for one, other in zip(before, numbers, strict=True)]
        told[names] = added, sorted({*others, *examples})[:5]
    return told
