"""The fuzzer for a few thousand inputs, the same in every run, and again each one that anything ever fell over.

`python tests/security/fuzz.py` runs on for as long as it is told to.
"""

import logging
from collections.abc import Iterator

import pytest

from tests.security.fuzz import findings
from tests.security.fuzz_mutations import Mutator
from tests.security.fuzz_targets import TARGETS, seeds

INPUTS = {
    "body": 4000,
    "log": 150,
    "cursor": 10_000,
    "filters": 150,
    "selector": 5000,
    "dates": 100,
    "queries": 1500,
    "headers": 500,
}
SEED = 20


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without the log's lines on what is damaged."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_made_of_right_ones_are_taken_or_refused_and_what_is_promised_holds(target: str) -> None:
    mutator, corpus = Mutator(SEED), seeds(target)
    outcomes: set[str] = set()
    with TARGETS[target]() as run:
        for data in [*corpus, *(path.read_bytes() for path in findings(target))]:
            run(data)
        for _ in range(INPUTS[target]):
            data = mutator.make(corpus)
            outcome = run(data)
            if outcome not in outcomes:
                outcomes.add(outcome)
                corpus.append(data)
    assert len(outcomes) >= 3


def test_every_target_is_run_here() -> None:
    assert INPUTS.keys() == TARGETS.keys()
