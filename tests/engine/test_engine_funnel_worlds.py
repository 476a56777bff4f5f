"""A world of many persons and eight steps through the whole insight, against ClickHouse. FUNNEL_SEED repeats a run's."""

from collections.abc import Iterator

import numpy as np
import pytest

from sv.insights.funnels import funnel
from sv.model.limits import SECOND_MS
from sv.model.query_parsing import parse_funnel_query
from tests import chance
from tests.engine.funnel.clickhouse import ClickHouse
from tests.engine.funnel.histories import World, legal_modes, random_world
from tests.engine.rig import NOON, Rig, State, event

SEED = chance.seed("FUNNEL_SEED")
PERSONS = 1_200
STEPS = 8
WINDOW_S = 7
FORMS: tuple[State, ...] = ("days", "mixed")


@pytest.fixture(scope="module")
def world() -> World:
    """Twelve rows a person within eleven seconds; some match several steps, some none."""
    made = random_world(np.random.default_rng(SEED), persons=PERSONS, rows=12, steps=STEPS, span=10, several=0.9, foreign=0.02)
    return World(made.persons, NOON + made.timestamps * SECOND_MS, made.masks, STEPS)


@pytest.fixture(scope="module")
def rigs(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Rig]]:
    """The world's rows as events, which say in properties which steps they are."""
    sent = [
        event("act", f"person-{person}", at_ms, session="one", **{f"s{step}": 1 for step in range(STEPS) if mask >> step & 1})
        for person, at_ms, mask in zip(world.persons.tolist(), world.timestamps.tolist(), world.masks.tolist(), strict=True)
    ]
    made: list[Rig] = []
    try:
        for form in FORMS:
            made.append(Rig(tmp_path_factory.mktemp(form)))
            made[-1].place_events(sent, form)
        yield made
    finally:
        for rig in made:
            rig.close()


def test_a_thousand_persons_have_clickhouses_counts_in_eight_steps_and_all_modes(
    world: World, rigs: list[Rig], clickhouse: ClickHouse
) -> None:
    print(f"FUNNEL_SEED={SEED}")
    questions = [(WINDOW_S * SECOND_MS, modes) for modes in legal_modes()]
    body = {
        "steps": [{"event": "act", "filters": [{"property": f"s{step}", "operator": "is_set"}]} for step in range(STEPS)],
        "date_from": "2025-06-15", "date_to": "2025-06-15", "conversion_window": f"{WINDOW_S}s",
    }  # fmt: skip
    for number, ((_, modes), levels) in enumerate(zip(questions, clickhouse.levels(world, questions), strict=True)):
        query = parse_funnel_query(body | {"modes": sorted(modes)}, timezone="UTC", now_ms=NOON)
        expected = [int((levels > place).sum()) for place in range(STEPS)]
        for rig in rigs if number == 0 else [rigs[number % len(rigs)]]:
            found = funnel(rig.context(), query)
            assert [line["count"] for line in found["steps"]] == expected, (sorted(modes), f"FUNNEL_SEED={SEED}")
        if not modes:
            assert expected[0] > PERSONS // 2  # by chance; so that it is a thousand persons who are told apart
            assert expected[-1] > 0
