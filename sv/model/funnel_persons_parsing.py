"""From the body of `funnel/persons` to a query value: the funnel's own fields, and whom of it to list.

Answers for the fields that come on top of a funnel's; those are `sv.model.query_parsing`'s. Errors are ValidationFailed with every wrong
field by its path, but for the cursor: a wrong one is InvalidParameter, as everywhere.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from sv.model import limits
from sv.model.cursor import decode_numbered_cursor
from sv.model.queries import AggregateBy, FunnelPersonsQuery, Outcome
from sv.model.query_parsing import FUNNEL_FIELDS, read_funnel_query
from sv.model.validate import Fields, Problems

FUNNEL_PERSONS_FIELDS: Final = (*FUNNEL_FIELDS, "step", "outcome", "breakdown_value", "limit", "cursor")


def parse_funnel_persons_query(body: object, *, timezone: str, now_ms: int) -> FunnelPersonsQuery:
    """A page of a funnel's persons from a decoded body. `timezone` is the project's, for a body that names none.

    Errors: ValidationFailed, InvalidParameter.
    """
    problems = Problems()
    fields = Fields(body, "", FUNNEL_PERSONS_FIELDS, problems)
    if not isinstance(body, dict):
        problems.finish()
    funnel = read_funnel_query(fields, timezone=timezone, now_ms=now_ms)
    if funnel.aggregate_by is AggregateBy.SESSION:
        problems.add("aggregate_by", "expected person, got session: what a funnel by session counts are no persons")
    fields.require("outcome", "one of " + ", ".join(Outcome))
    outcome = fields.choice("outcome", Outcome, Outcome.CONVERTED)
    query = FunnelPersonsQuery(
        funnel,
        _read_step_number(fields, len(funnel.steps), outcome),
        outcome,
        _read_breakdown_value(body, fields),
        fields.whole("limit", 1, limits.LIST_LIMIT_MAX, limits.LIST_LIMIT_DEFAULT),
    )
    problems.finish()
    cursor = fields.get("cursor")
    return query if cursor is None else msgspec.structs.replace(query, before=decode_numbered_cursor(cursor))


def _read_step_number(fields: Fields, steps: int, outcome: Outcome) -> int:
    """From 1; nobody drops off before the first step."""
    first = 2 if outcome is Outcome.DROPPED_OFF else 1
    last = max(steps, limits.MIN_STEPS)
    fields.require("step", f"a whole number from {first} to {last}")
    return fields.whole("step", first, last, first)


def _read_breakdown_value(body: object, fields: Fields) -> str | None:
    """JSON text. That the field is null says that the value is, so that only its absence asks for everybody."""
    if not isinstance(body, dict) or "breakdown_value" not in body:
        return None
    if fields.get("breakdown") is None:
        fields.problems.add("breakdown_value", "expected none without a breakdown")
    return msgspec.json.encode(fields.get("breakdown_value")).decode()


def lines_of(labels: Sequence[object], asked: str) -> list[int]:
    """The places of the lines that a breakdown value means: of those whose label is written so, else of those that say the same.

    Not just one: a value of the clients' own may be called "$other" too.
    """
    written = [place for place, label in enumerate(labels) if msgspec.json.encode(label).decode() == asked]
    wanted = value_text(msgspec.json.decode(asked))
    return written or [place for place, label in enumerate(labels) if value_text(label) == wanted]


def value_text(value: object) -> str:
    """A breakdown value as the one text by which it is compared.

    The order of an object's keys doesn't matter, nor how a number is written (10, 10.0, 1e1), nested ones included; a value's type does.
    """
    return msgspec.json.encode(_as_answered(value), order="deterministic").decode()


def _as_answered(value: object) -> object:
    """Numbers as breakdowns answer them: whole ones within 64 bits, signed or not, as integers, all others as doubles. An integer beyond
    all doubles stays, and is in no answer."""
    if isinstance(value, list):
        return [_as_answered(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _as_answered(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    is_small = -(2**63) <= value < 2**64
    if isinstance(value, float):
        return int(value) if is_small and value.is_integer() else value
    try:
        return value if is_small else float(value)
    except OverflowError:
        return value
