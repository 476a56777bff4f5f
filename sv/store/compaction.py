"""Which parts to merge: few files make queries quick. A thousand small ones cost a funnel seven times as much.

Parts of one project and day are merged in tiers: when enough parts of like size have come together they become one. Of N equal
flushes at most 8 log8(N) parts are left and each event is written again log8(N) times, of uneven ones 8 log4(N) and log4(N). The files
of many days (`day` None) form a tier system of their own. Pure planning: no I/O, no clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from sv.model.part import Part

FAN_IN: Final = 8
"""Parts of one tier that make a merge: fewer rewrite more, more make queries open more files."""

TIER_FACTOR: Final = 4
"""Parts within this factor of rows count as like size."""

MAX_MERGED_ROWS: Final = 4_000_000
"""A part this large is left alone: sorting it again costs seconds and memory, and queries gain nothing."""

COLD_AFTER_MS: Final = 3_600_000
"""A day that has received nothing for an hour is merged down, as far as that doesn't rewrite a large part for a few late events."""


def plan_merges(parts: Iterable[Part], now_ms: int) -> list[list[Part]]:
    """Groups of parts to merge into one each, cheapest first."""
    folders: dict[tuple[str, str | None], list[Part]] = defaultdict(list)
    for part in parts:
        if part.rows < MAX_MERGED_ROWS:
            folders[part.project_id, part.day].append(part)
    plans = [plan for group in folders.values() for plan in [_plan_folder(group, now_ms)] if len(plan) > 1]
    plans.sort(key=lambda plan: sum(part.rows for part in plan))
    return plans


def plan_all(parts: Iterable[Part]) -> list[list[Part]]:
    """Everything of a project's day into one part each, as `sv compact` asks for."""
    folders: dict[tuple[str, str | None], list[Part]] = defaultdict(list)
    for part in parts:
        folders[part.project_id, part.day].append(part)
    return [plan for group in folders.values() for plan in [_up_to_limit(sorted(group, key=_rows))] if len(plan) > 1]


def _plan_folder(group: Sequence[Part], now_ms: int) -> list[Part]:
    ordered = sorted(group, key=_rows)
    if len(ordered) > 1 and max(part.created_ms for part in ordered) + COLD_AFTER_MS < now_ms:
        return _up_to_limit(_worth_rewriting(ordered))
    for first in range(len(ordered) - FAN_IN + 1):
        smallest = max(ordered[first].rows, 1)
        alike = [part for part in ordered[first:] if part.rows <= smallest * TIER_FACTOR]
        if len(alike) >= FAN_IN:
            return _up_to_limit(alike)
    return []


def _worth_rewriting(ordered: Sequence[Part]) -> list[Part]:
    """The parts from the smallest up to the first that is more than TIER_FACTOR times all before it."""
    chosen: list[Part] = []
    rows = 0
    for part in ordered:
        if chosen and part.rows > TIER_FACTOR * rows:
            break
        chosen.append(part)
        rows += part.rows
    return chosen


def _up_to_limit(ordered: Sequence[Part]) -> list[Part]:
    chosen: list[Part] = []
    rows = 0
    for part in ordered:
        if chosen and rows + part.rows > MAX_MERGED_ROWS:
            break
        chosen.append(part)
        rows += part.rows
    return chosen


def _rows(part: Part) -> tuple[int, int]:
    return part.rows, part.part_id
