"""Two or more ways to the same answer, timed in interleaved rounds, so that what else the machine does falls on all of them."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

ROUNDS = 5


class Taken(NamedTuple):
    """Medians, in milliseconds. CPU time is that of the whole process."""

    wall_ms: float
    cpu_ms: float


def interleaved(label: str, *ways: Callable[[], Any], rounds: int = ROUNDS) -> list[Taken]:
    """What each of the ways takes. Every answer of theirs has to be the same."""
    times: list[list[tuple[float, float]]] = [[] for _ in ways]
    for _ in range(rounds):
        answers: list[Any] = []
        for taken, ask in zip(times, ways, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            answers.append(ask())
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert all(answer == answers[0] for answer in answers), (label, *answers)
    return [Taken(*(statistics.median(column) * 1000 for column in zip(*taken, strict=True))) for taken in times]
