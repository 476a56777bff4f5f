"""Checks of filters that need the engine: whether their regular expressions compile."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sv.insights.runner import Context
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator
from sv.model.regexes import MAX_REGEX_COST_PER_QUERY, cost_of, is_simple

_REGEXES: Final = (Operator.REGEX, Operator.NOT_REGEX)


class Pattern(NamedTuple):
    """A regular expression, and the path of the field that has it."""

    path: str
    text: str


def patterns_of(filters: Sequence[tuple[str, Filter]]) -> list[Pattern]:
    """The regular expressions among filters, each of which comes with its path."""
    return [
        Pattern(f"{path}.value", item.value)
        for path, item in filters
        if item.operator in _REGEXES and isinstance(item.value, str)
    ]


def check_patterns(context: Context, patterns: Sequence[Pattern], kept: Sequence[Pattern] = ()) -> None:
    """Raises ValidationFailed, naming its path, for a regular expression that the engine can't compile, and for the one with which they
    cost too much together. kept: those of smart events, which compiled when they were saved and only add to the cost."""
    left = MAX_REGEX_COST_PER_QUERY
    for path, text in (*patterns, *kept):
        left -= 0 if is_simple(text) else cost_of(text)
        if left < 0:
            raise ValidationFailed.at(
                path, "expected fewer regular expressions that repeat, or simpler ones: together they cost too much"
            )
    for path, text in patterns:
        wrong = context.engine.check_regex(text)
        if wrong is not None:
            raise ValidationFailed.at(path, f"expected a regular expression (RE2), got {text[:60]!r}: {wrong}")


def check_regexes(context: Context, filters: Sequence[tuple[str, Filter]], kept: Sequence[Pattern] = ()) -> None:
    """As `check_patterns`, for the regular expressions among filters."""
    check_patterns(context, patterns_of(filters), kept)
