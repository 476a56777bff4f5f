"""Lists the persons behind a funnel's figures: those who converted or dropped off at a step, page by page.

Answers for which persons, by their numbers, and for the order of pages. Their count equals the funnel's, since both come from
`find_levels`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sv.insights.funnel.outcome import Levels
from sv.insights.funnels import Found, find_levels, find_slots, scope_of
from sv.insights.named import matcher_of
from sv.insights.persons import PersonPages, page_json
from sv.insights.runner import Context
from sv.model.funnel_persons_parsing import lines_of
from sv.model.queries import FunnelPersonsQuery, FunnelQuery, Outcome


class PersonsPage(NamedTuple):
    """Numbers of persons, the newest (largest) first, and whether there are more."""

    numbers: list[int]
    has_more: bool


def funnel_persons(context: Context, query: FunnelPersonsQuery, persons: PersonPages) -> dict[str, Any]:
    """A page in the contract's shape, of persons as their own list shows them."""
    page = find_funnel_persons(context, query)
    snapshot = context.snapshot
    found = persons.named(snapshot.project_id, page.numbers, is_merged=snapshot.is_merged)
    return page_json(found, page.numbers[-1] if page.has_more else None)


def find_funnel_persons(context: Context, query: FunnelPersonsQuery) -> PersonsPage:
    """A page of those whom the funnel counts, by number."""
    context = context.attributed()
    funnel = query.funnel
    found = find_levels(context, funnel)
    groups = groups_of(found.levels, query.step, query.outcome)
    if query.breakdown_value is not None and funnel.breakdown is not None:
        slots = find_slots(context, funnel, funnel.breakdown, found)
        wanted = lines_of(slots.labels, query.breakdown_value)
        groups = np.intersect1d(groups, slots.groups[np.isin(slots.slots, wanted)])
    persons = _persons_of(context, funnel, found, groups)
    if query.before is not None:
        persons = persons[: np.searchsorted(persons, query.before)]
    page = persons[-query.limit :][::-1].tolist()
    return PersonsPage(page, persons.size > query.limit)


def groups_of(levels: Levels, step: int, outcome: Outcome) -> NDArray[np.uint64]:
    """The groups that reached the step, or that reached the one before and not this one, sorted."""
    reached = levels.levels[step - 1].group
    if outcome is Outcome.CONVERTED:
        return reached
    return np.setdiff1d(levels.levels[step - 2].group, reached, assume_unique=True)


def _persons_of(context: Context, query: FunnelQuery, found: Found, groups: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The groups' persons, sorted: numbers within a query are given in the order of persons."""
    if found.numbering is not None:
        starters = context.engine.funnel_persons(context.snapshot, scope_of(query), matcher_of(query.steps[0]), context.limits)
        groups = starters[groups]
    return groups.astype(np.int64)
