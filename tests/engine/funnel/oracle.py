"""ClickHouse's `windowFunnel` in plain Python: one person at a time, one entry at a time, every chain kept.

Answers for: the level of a person and, for each level reached, the start of its chain and the entry that
reached it. Slow and obvious on purpose. It shares neither code nor ideas with `sv.insights.funnel`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sv.insights.funnel.outcome import Levels
from tests.engine.funnel.reached import reached_ms, start_ms

Row: TypeAlias = tuple[int, int]
"""A timestamp and a mask: bit k-1 is set if the row matches step k."""

Entry: TypeAlias = tuple[int, int, int]
"""A timestamp, a step (0 for a row that matches none) and the number of the row in the order of arrival."""


@dataclass
class Outcome:
    """What became of one person."""

    level: int = 0
    times: dict[int, tuple[int, int]] = field(default_factory=dict)
    """For each level reached: the start of the chain, and the timestamp that reached it first."""

    def reach(self, level: int, start: int, timestamp: int) -> None:
        """An entry fills the slot of `level`. Of chains that do so at one instant the latest start counts."""
        self.level = max(self.level, level)
        first_start, reached = self.times.get(level, (start, timestamp))
        if reached == timestamp:
            self.times[level] = max(first_start, start), reached


def entries_of(rows: Sequence[Row], steps: int, modes: Collection[str]) -> list[Entry]:
    """An entry for each step that a row matches, sorted by (timestamp, step, row)."""
    entries: list[Entry] = []
    for number, (timestamp, mask) in enumerate(rows):
        matched = [step for step in range(1, steps + 1) if mask >> (step - 1) & 1]
        if not matched and "strict_order" in modes:
            matched = [0]
        entries.extend((timestamp, step, number) for step in matched)
    return sorted(entries)


def funnel(rows: Sequence[Row], steps: int, window: int, modes: Collection[str] = ()) -> Outcome:
    """The outcome of one person's rows, in the order of arrival."""
    if "strict_once" in modes:
        return _funnel_once(entries_of(rows, steps, modes), steps, window, modes)
    outcome = Outcome()
    slots: dict[int, tuple[int, int]] = {}
    for timestamp, step, _ in entries_of(rows, steps, modes):
        if step == 0:
            if 1 in slots:
                break
        elif step == 1:
            slots[1] = timestamp, timestamp
            outcome.reach(1, timestamp, timestamp)
        elif "strict_deduplication" in modes and step in slots:
            break
        elif "strict_order" in modes and 1 in slots and step - 1 not in slots:
            if "allow_reentry" not in modes:
                break
        elif step - 1 in slots:
            start, last = slots[step - 1]
            # ClickHouse adds in 64 bits.
            if timestamp <= (start + window) % 2**64 and not ("strict_increase" in modes and last >= timestamp):
                slots[step] = start, timestamp
                outcome.reach(step, start, timestamp)
                if step == steps:
                    break
    return outcome


def _funnel_once(entries: list[Entry], steps: int, window: int, modes: Collection[str]) -> Outcome:
    """`strict_once`: a slot holds every chain (start, last timestamp, rows) that got so far."""
    outcome = Outcome()
    slots: dict[int, set[tuple[int, int, frozenset[int]]]] = {}
    for timestamp, step, row in entries:
        if steps in slots and (timestamp, step) != (outcome.times[steps][1], steps):
            # Filling the last slot ends the pass, but entries of that instant may still have a later start.
            break
        if step == 0:
            if 1 in slots:
                break
        elif step == 1:
            slots.setdefault(1, set()).add((timestamp, timestamp, frozenset((row,))))
            outcome.reach(1, timestamp, timestamp)
        elif "strict_deduplication" in modes and step in slots:
            break
        elif "strict_order" in modes and 1 in slots and step - 1 not in slots:
            if "allow_reentry" not in modes:
                break
        else:
            for start, last, taken in slots.get(step - 1, set()):
                in_time = timestamp <= (start + window) % 2**64
                if in_time and row not in taken and not ("strict_increase" in modes and last >= timestamp):
                    slots.setdefault(step, set()).add((start, timestamp, taken | {row}))
                    outcome.reach(step, start, timestamp)
    return outcome


def first_difference(
    histories: Mapping[int, Sequence[Row]], levels: Levels | Sequence[Levels], window: int, modes: Collection[str]
) -> str:
    """Empty if every person's level and times are as they should be; else the first person that differs.

    `histories` has the rows of each person by number. Persons of level 0 may be missing from `levels`, but
    it may name nobody else. Of several levels, each of the same funnel, each has to be so.
    """
    several = [levels] if isinstance(levels, Levels) else levels
    expected = {person: funnel(rows, several[0].steps, window, modes) for person, rows in sorted(histories.items())}
    return next(
        filter(None, (_difference(histories, each, expected, f"window {window}, {sorted(modes)}") for each in several)), ""
    )


def _difference(histories: Mapping[int, Sequence[Row]], levels: Levels, expected: Mapping[int, Outcome], asked: str) -> str:
    found: dict[int, Outcome] = {}
    for level, found_at in enumerate(levels.levels, start=1):
        columns = (found_at.group, start_ms(found_at), reached_ms(found_at))
        for person, start, at in zip(*(column.tolist() for column in columns), strict=True):
            outcome = found.setdefault(person, Outcome())
            outcome.level = level
            outcome.times[level] = start, at
    strangers = sorted(found.keys() - histories.keys())
    if strangers:
        return f"person {strangers[0]} has no rows, yet {found[strangers[0]]}"
    for person, outcome in expected.items():
        if found.get(person, Outcome()) != outcome:
            rows = [(timestamp, f"{mask:0{levels.steps}b}"[::-1]) for timestamp, mask in histories[person]]
            return (
                f"person {person}, {levels.steps} steps, {asked}: "
                f"expected {outcome}, got {found.get(person)}, rows (timestamp, steps) {rows}"
            )
    return ""
