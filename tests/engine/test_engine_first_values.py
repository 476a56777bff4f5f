"""A funnel's breakdown is the same whether key files tell of each person's first event or the events themselves, whatever is tied with what."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.funnels import first_values
from sv.engine.duck.funnels.first_values import firsts_of
from sv.engine.duck.keys.key_files import KEY_BITS
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_values import Dictionary
from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.model.calendar import iso_ms
from sv.model.identity import AliasChanges, AliasPlace
from sv.model.query_parsing import parse_funnel_query
from tests.chance import examples
from tests.engine.rig import LIMITS, NO_ALIASES, NOON, Rig, event, opened
from tests.engine.smart_rig import RULES, with_smart

VALUES = ("pro", "free", 7, 7.0, "7", None, True, [1])
NAMES = ("plan", "$country", "$browser", "absent", "$is_bot")
PERSONS = 12


class Pairs:
    """Every second person's events are those of the person before."""

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges:
        rows = [[person, person - 1] for person in range(after.person + 1, PERSONS + 1) if person % 2 == 0]
        return AliasChanges(AliasPlace(1, 0, PERSONS), len(rows), json.dumps(rows))


def fill(rig: Rig, chance: random.Random, *, moments: int) -> None:
    """Few moments make many ties."""
    made = [
        event(
            chance.choice(("view", "buy", "pay")),
            f"person {chance.randrange(PERSONS)}",
            NOON + chance.randrange(moments),
            **({"plan": chance.choice(VALUES)} if chance.random() < 0.9 else {}),
            **({"$country": chance.choice(("DE", "FR", 'a"é', 5))} if chance.random() < 0.8 else {}),
        )
        for _ in range(120)
    ]
    for part in range(3):
        rig.flush(rig.buffer(rig.batch(made[part * 30 : part * 30 + 30])))
    rig.index(rig.parts[:2])
    rig.buffer(rig.batch(made[90:]))


def ask(rig: Rig, engine: DuckEngine, body: dict[str, Any], *, is_merged: bool) -> Any:
    query = parse_funnel_query(body, timezone="UTC", now_ms=NOON + 10_000)
    query = replace(query, steps=tuple(map(with_smart, query.steps)))
    snapshot = rig.snapshot().merged() if is_merged else rig.snapshot()
    return funnel(Context(engine, engine.pin(snapshot, LIMITS), LIMITS, 2), query)


@pytest.mark.parametrize("is_merged", [False, True])
@pytest.mark.parametrize("moments", [3, 5000])
def test_breakdowns_are_the_same_with_key_files_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moments: int, is_merged: bool
) -> None:
    chance = random.Random(moments)
    by_keys = 0

    def counted(*args: Any, ask_of: Any = first_values.first_values) -> Any:
        nonlocal by_keys
        found = ask_of(*args)
        by_keys += found is not None
        return found

    monkeypatch.setattr(first_values, "first_values", counted)
    for nth in range(2):
        with opened(tmp_path / f"{nth}") as rig:
            fill(rig, chance, moments=moments)
            aliases = Pairs() if is_merged else NO_ALIASES
            with_keys = DuckEngine(rig.database, rig.folder, lambda: PERSONS, aliases, key_files=rig.tables.key_files)
            without = DuckEngine(rig.database, rig.folder, lambda: PERSONS, aliases)
            for _ in range(examples(7)):
                body = {
                    "steps": [{"event": chance.choice(("view", "buy", *RULES))}, {"event": chance.choice(("buy", "pay"))}],
                    "date_from": iso_ms(NOON + chance.choice((0, 0, 1, moments // 2))),
                    "date_to": iso_ms(NOON + chance.choice((moments, moments // 2 + 2))),
                    "conversion_window": "1d",
                    "breakdown": chance.choice(NAMES),
                    "breakdown_limit": chance.choice((1, 3, 25)),
                }
                assert ask(rig, with_keys, body, is_merged=is_merged) == ask(rig, without, body, is_merged=is_merged), body
            with_keys.close()
            without.close()
    assert by_keys > 0, "a test of SQL alone"


def test_the_first_of_a_person_is_tied_where_another_of_its_time_has_another_value() -> None:
    rows = [(1, 5, 0), (1, 5, 0), (1, 6, 1), (2, 5, 0), (2, 5, 1), (3, 4, 0), (3, 5, 0), (3, 5, 1), (4, 1, 2), (4, 2, 0)]
    keys = np.array([(person << KEY_BITS) | ms for person, ms, _ in rows], np.uint64)
    codes = np.array([code for *_, code in rows], np.uint8)
    found = firsts_of(Matched(keys, 100, codes, Dictionary(("a", "b", "c"))), None)
    assert found.persons.tolist() == [1, 2, 3, 4]
    assert found.ms.tolist() == [105, 105, 104, 101]
    assert [found.dictionary.values[code] for code in found.codes] == ["a", "a", "a", "c"]
    assert found.is_tied.tolist() == [False, True, False, False]


def test_nothing_that_matches_is_nothing() -> None:
    found = firsts_of(Matched(np.empty(0, np.uint64), 0, np.empty(0, np.uint8)), None)
    assert [found.persons.size, found.ms.size, found.codes.size, found.is_tied.size] == [0, 0, 0, 0]
