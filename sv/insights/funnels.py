"""Funnels: from a query to the answer, by the arithmetic of `sv.insights.funnel` over entries that the engine fetches."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from sv.engine.port import Matcher, Scope
from sv.insights.funnel.core import levels_of_rows, levels_of_steps
from sv.insights.funnel.modes import check_modes, needs_rows
from sv.insights.funnel.outcome import Levels, StepFigures
from sv.insights.named import matcher_of, shown_name
from sv.insights.runner import Context
from sv.insights.trends import OTHER
from sv.model.calendar import iso_ms
from sv.model.queries import Breakdown, FunnelQuery


class Found(NamedTuple):
    """How far each group gets, and by what groups have their numbers (see `FunnelKeys`)."""

    levels: Levels
    numbering: object | None


def funnel(context: Context, query: FunnelQuery) -> dict[str, Any]:
    """The contract's answer, but for `elapsed_ms`: `steps` for all and, with a breakdown, `breakdowns` by value.

    Without any group at step 1 the conversion rates are null: a ratio with an empty denominator has no value.
    """
    context = context.attributed()
    found = find_levels(context, query)
    names = [shown_name(step) for step in query.steps]
    counts = found.levels.counts()
    answer = {
        "steps": _steps(names, found.levels.figures()),
        "conversion_rate": _ratio(counts[-1], counts[0]),
        "conversion_window": query.conversion_window,
        "date_from": iso_ms(query.dates.from_ms),
        "date_to": iso_ms(query.dates.to_ms),
        "timezone": query.timezone,
        "aggregate_by": query.aggregate_by.value,
        "modes": sorted(mode.value for mode in query.modes),
        "breakdown": query.breakdown.property if query.breakdown else None,
    }
    if query.breakdown is not None:
        answer["breakdowns"] = _breakdowns(context, query, query.breakdown, found, names)
    return answer


def find_levels(context: Context, query: FunnelQuery) -> Found:
    """How far each person or session gets. Exactly ClickHouse's `windowFunnel` over the events of the query's scope."""
    scope = scope_of(query)
    steps = [matcher_of(step) for step in query.steps]
    modes = check_modes(mode.value for mode in query.modes)
    if needs_rows(modes) and _are_apart(steps):
        modes = modes - {"strict_once"}  # where each event matches one step at most, none can serve twice
    with_foreign = "strict_order" in modes
    ask = (context.snapshot, scope, steps, query.window_ms, query.aggregate_by.value, with_foreign)
    if needs_rows(modes):
        rows = context.engine.funnel_rows(*ask, "strict_deduplication" in modes, context.limits)
        levels = levels_of_rows(
            rows.keys,
            rows.masks,
            steps=len(steps),
            bits=rows.bits,
            window_ms=query.window_ms,
            modes=modes,
            threads=context.threads,
            check=context.limits.check,
        )
        return Found(levels, rows.numbering)
    keys = context.engine.funnel_keys(*ask, context.limits)
    levels = levels_of_steps(
        keys.steps,
        bits=keys.bits,
        window_ms=query.window_ms,
        modes=modes,
        foreign=keys.foreign,
        threads=context.threads,
        check=context.limits.check,
    )
    return Found(levels, keys.numbering)


def _are_apart(steps: Sequence[Matcher]) -> bool:
    """Whether no event can match two of the steps, judging by their names alone."""
    names = {step.event for step in steps}
    return None not in names and len(names) == len(steps)


def scope_of(query: FunnelQuery) -> Scope:
    """The events that the funnel sees."""
    return Scope(query.dates.from_ms, query.dates.to_ms, query.filters, query.include_bots)


class Slots(NamedTuple):
    """Which line of a breakdown each group that did step 1 is in: `groups[i]` in line `slots[i]`, whose value is `labels[slots[i]]`."""

    groups: NDArray[np.uint64]
    slots: NDArray[np.int64]
    labels: list[Any]


def find_slots(context: Context, query: FunnelQuery, breakdown: Breakdown, whole: Found) -> Slots:
    """The lines of a breakdown: the values of most groups at step 1 first, then null, then `$other`, as in trends."""
    found = context.engine.first_values(
        context.snapshot,
        scope_of(query),
        matcher_of(query.steps[0]),
        breakdown.property,
        query.aggregate_by.value,
        whole.numbering,
        context.limits,
    )
    sizes = np.bincount(found.codes, minlength=len(found.values))
    # Most groups first, then by value, so that the order doesn't hang on how rows came in.
    order = sorted(
        (code for code, value in enumerate(found.values) if value is not None),
        key=lambda code: (-int(sizes[code]), found.values[code] or ""),
    )
    top, rest = order[: breakdown.limit], order[breakdown.limit :]
    labels: list[Any] = [msgspec.json.decode(found.values[code] or "null") for code in top]
    slot_of = np.full(len(found.values), -1, np.int64)
    slot_of[top] = np.arange(len(top))
    nulls = [code for code, value in enumerate(found.values) if value is None]
    if nulls:
        slot_of[nulls] = len(labels)
        labels.append(None)
    if rest:
        slot_of[rest] = len(labels)
        labels.append(OTHER)
    return Slots(found.groups, slot_of[found.codes], labels)


def _breakdowns(
    context: Context, query: FunnelQuery, breakdown: Breakdown, whole: Found, names: list[dict[str, str | None]]
) -> list[dict[str, Any]]:
    """The funnel by value."""
    groups, slots, labels = find_slots(context, query, breakdown, whole)
    if not labels:
        return []
    table = whole.levels.figures_by(groups, slots, len(labels))
    answers: list[dict[str, Any]] = []
    for slot, label in enumerate(labels):
        figures = table.figures(slot)
        rate = _ratio(figures[-1].count, figures[0].count)
        answers.append({"breakdown_value": label, "steps": _steps(names, figures), "conversion_rate": rate})
    return answers


def _steps(names: list[dict[str, str | None]], figures: list[StepFigures]) -> list[dict[str, Any]]:
    counts = [figure.count for figure in figures]
    return [
        {
            "step": place + 1,
            **names[place],
            "count": figure.count,
            "conversion_rate": _ratio(figure.count, counts[0]),
            "step_conversion_rate": _ratio(figure.count, counts[max(place - 1, 0)]),
            "drop_off": counts[max(place - 1, 0)] - figure.count,
            "median_seconds": figure.median_seconds,
            "average_seconds": figure.average_seconds,
        }
        for place, figure in enumerate(figures)
    ]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
