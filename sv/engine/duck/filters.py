"""Filters to SQL conditions. `sv.model.filters.matches` is the truth they are tested against.

A condition is two-valued: a missing property is no match, never NULL, since a NULL would drop rows that a negation must keep, and
in ClickHouse's funnels drops a row whole (ENGINE.md §1.1).
"""

from typing import Any

from sv.engine.duck.properties import Property
from sv.engine.duck.sql import Params
from sv.model.filters import Filter, Operator, compares_path, url_path

_COMPARISONS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


def condition(item: Filter, params: Params) -> str:
    """A two-valued SQL expression over a row of `events`."""
    if item.operator in (Operator.IS_NOT, Operator.NOT_ICONTAINS, Operator.NOT_REGEX, Operator.IS_NOT_SET):
        return f"not ({_positive(item, params)})"
    return _positive(item, params)


def all_of(items: tuple[Filter, ...], params: Params) -> list[str]:
    return [condition(item, params) for item in items]


def _positive(item: Filter, params: Params) -> str:
    """The condition that a negating operator negates."""
    name = item.property
    field = Property(name, params)
    match item.operator:
        case Operator.IS_SET | Operator.IS_NOT_SET:
            return field.is_set()
        case Operator.EXACT | Operator.IS_NOT:
            values: list[Any] = item.value if isinstance(item.value, list) else [item.value]
            return _any_equal(item, field, values, params)
        case Operator.ICONTAINS | Operator.NOT_ICONTAINS:
            return f"coalesce(contains(lower({field.text()}), lower({params.bind(item.value)})), false)"
        case Operator.REGEX | Operator.NOT_REGEX:
            return f"coalesce(regexp_matches({field.text()}, {params.bind(item.value)}), false)"
        case _:
            return _ordered(field, _COMPARISONS[item.operator], item.value, params)


def _any_equal(item: Filter, field: Property, values: list[Any], params: Params) -> str:
    texts = [value for value in values if isinstance(value, str)]
    paths = [value for value in texts if compares_path(item.property, value)]
    whole = [value for value in texts if not compares_path(item.property, value)]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    terms: list[str] = []
    if whole:
        terms.append(_in(field.text(), whole, params))
    if paths:
        terms.append(_in("url_path", [url_path(value) for value in paths], params))
    terms += [term for value in numbers for term in _equal_number(field, value, params)]
    terms += [f"coalesce({field.boolean()} = {params.bind(value)}, false)" for value in values if isinstance(value, bool)]
    return "(" + " or ".join(terms) + ")" if terms else "false"


def _in(expression: str, values: list[str], params: Params) -> str:
    listed = ", ".join(params.bind(value) for value in values)
    operator = f"= {listed}" if len(values) == 1 else f"in ({listed})"
    return f"coalesce({expression} {operator}, false)"


def _equal_number(field: Property, value: int | float, params: Params) -> list[str]:
    """Integers compare as integers and fractions as doubles, so that nothing is equal by rounding alone."""
    terms: list[str] = []
    if value == int(value):
        terms.append(f"coalesce({field.integer()} = {params.bind(int(value))}::hugeint, false)")
    if float(value) == value:
        terms.append(f"coalesce({field.fraction()} = {params.bind(float(value))}::double, false)")
    return terms


def _ordered(field: Property, operator: str, value: Any, params: Params) -> str:
    if isinstance(value, str):
        return f"coalesce({field.text()} {operator} {params.bind(value)}, false)"
    kind = "hugeint" if isinstance(value, int) else "double"
    bound = f"{params.bind(value)}::{kind}"
    return f"(coalesce({field.integer()} {operator} {bound}, false) or coalesce({field.fraction()} {operator} {bound}, false))"
