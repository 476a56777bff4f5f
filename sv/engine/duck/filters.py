"""Filters to SQL conditions. `sv.model.filters.matches` is the truth that they are tested against.

A condition is two-valued: a missing property is no match, never NULL, since a NULL would drop rows that a negation must keep, and in
ClickHouse's `windowFunnel` a NULL condition drops a row whole, also from the steps that it meets.
"""

from collections.abc import Sequence
from typing import Final

from sv.engine.duck.properties import Property
from sv.engine.duck.sql import Params
from sv.model.filters import NEGATED, Filter, Operator, Scalar, compares_path, url_path
from sv.model.regexes import MAX_REGEX_TEXT_CHARS, is_simple

MAX_COMPARED: Final = 200
"""Values of one type that a row's is compared with one by one. More are looked up, in a join, which takes memory of its own: for a million
events of a thousand texts 0.16 s of processor time in the place of 0.9."""

_COMPARISONS = {Operator.EXACT: "=", Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


def all_of(items: Sequence[Filter], params: Params) -> list[str]:
    """Each filter's condition, to be joined by `and`."""
    return [condition(item, params) for item in items]


def condition(item: Filter, params: Params, field: Property | None = None) -> str:
    """A two-valued SQL expression over a row of `events`. field: the property where it is to be found elsewhere."""
    operator = NEGATED.get(item.operator, item.operator)
    positive = _positive(Filter(item.property, operator, item.value), field or Property(item.property, params), params)
    return positive if operator is item.operator else f"not ({positive})"


def _positive(item: Filter, field: Property, params: Params) -> str:
    if item.operator is Operator.IS_SET:
        return field.is_set()
    values: tuple[Scalar | None, ...] = item.value if isinstance(item.value, tuple) else (item.value,)
    if item.operator is Operator.EXACT:
        return _any_equal(item.property, field, values, params)
    terms = [_holds(item, field, value, params) for value in values]
    return "(" + " or ".join(terms) + ")" if terms else "false"


def _any_equal(name: str, field: Property, values: Sequence[Scalar | None], params: Params) -> str:
    """`exact`, with one list of texts for URLs, one for paths, one of integers and one of other numbers.

    SCAR: one condition per number: a hundred of them over the buffer's JSON took all of the engine's memory to prepare, and in an `in` list
    each took ten kilobytes.
    """
    texts = [value for value in values if isinstance(value, str)]
    whole = [value for value in texts if not compares_path(name, value)]
    paths = [url_path(value) or "" for value in texts if compares_path(name, value)]
    terms: list[str] = []
    if whole:
        terms.append(_in(field.text(), whole, params))
    if paths:
        terms.append(_in("url_path", paths, params))
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if integers := _equal_integers(numbers):
        terms.append(_among(field.integer(), [str(value) for value in integers], "hugeint", params))
    if fractions := [value for value in numbers if float(value) == value]:  # a double equals no other integer
        terms.append(_among(field.fraction(), [repr(float(value)) for value in fractions], "double", params))
    booleans = {value for value in values if isinstance(value, bool)}
    terms += [f"coalesce({field.boolean()} = {params.bind(value)}, false)" for value in sorted(booleans)]
    return "(" + " or ".join(terms) + ")" if terms else "false"


def _equal_integers(numbers: Sequence[int | float]) -> list[int]:
    """Those of the numbers that may be stored as integers."""
    return [int(value) for value in numbers if isinstance(value, int) or (abs(value) < 2**65 and value == value // 1)]


def _among(expression: str, values: Sequence[str], kind: str, params: Params) -> str:
    listed = f"{params.bind(list(values))}::{kind}[]"
    if len(values) > MAX_COMPARED:
        return f"coalesce({expression} in (select unnest({listed})), false)"
    return f"coalesce(list_contains({listed}, {expression}), false)"


def _in(expression: str, values: Sequence[str], params: Params) -> str:
    if len(values) > MAX_COMPARED:
        return _among(expression, values, "varchar", params)
    listed = ", ".join(params.bind(value) for value in values)
    operator = f"= {listed}" if len(values) == 1 else f"in ({listed})"
    return f"coalesce({expression} {operator}, false)"


def _holds(item: Filter, field: Property, value: Scalar | None, params: Params) -> str:
    """`icontains`, `regex` and the orders, with one value."""
    if isinstance(value, bool) or value is None:
        return "false"
    if not isinstance(value, str):
        return _compare_number(field, _COMPARISONS[item.operator], value, params)
    is_path = compares_path(item.property, value)
    held = "url_path" if is_path else field.text()
    match item.operator:
        case Operator.ICONTAINS:
            haystack = f"{held} || '/'" if is_path else held
            return f"coalesce(contains(lower({haystack}), lower({params.bind(value)})), false)"
        case Operator.REGEX:
            pattern = params.bind_regex(value)
            found = f"regexp_matches({_seen(held, value)}, {pattern})"
            if is_path:
                closed = _seen(f"({held} || '/')", value)
                found = f"({found} or regexp_matches({closed}, {pattern}))"
            return f"coalesce({found}, false)"
        case _:
            bound = params.bind((url_path(value) or "") if is_path else value)
            return f"coalesce({held} {_COMPARISONS[item.operator]} {bound}, false)"


def _seen(held: str, pattern: str) -> str:
    """The part of a value that a pattern is matched against."""
    return held if is_simple(pattern) else f"left({held}, {MAX_REGEX_TEXT_CHARS})"


def _compare_number(field: Property, operator: str, value: int | float, params: Params) -> str:
    """Integers of 64 bits compare with integers exactly; everything else compares as doubles (`sv.model.filters`)."""
    if isinstance(value, int):
        integers = f"coalesce({field.integer()} {operator} {params.bind(str(value))}::hugeint, false)"
        return f"({integers} or {_compare_fraction(field, operator, value, params)})"
    whole = _compare_whole(field, operator, value, params)
    return f"({whole} or {_compare_fraction(field, operator, value, params)})"


def _compare_whole(field: Property, operator: str, value: float, params: Params) -> str:
    """Stored integers with a double, as exactly as Python compares the two: by the integer on the right side of the double."""
    if abs(value) >= 2**65:
        holds = {"=": False, ">": value < 0, ">=": value < 0, "<": value > 0, "<=": value > 0}[operator]
        return f"({field.integer()} is not null)" if holds else "false"
    floor = int(value // 1)
    if floor == value:
        return f"coalesce({field.integer()} {operator} {params.bind(str(floor))}::hugeint, false)"
    if operator == "=":
        return "false"
    operator, bound = (">=", floor + 1) if operator in (">", ">=") else ("<=", floor)
    return f"coalesce({field.integer()} {operator} {params.bind(str(bound))}::hugeint, false)"


def _compare_fraction(field: Property, operator: str, value: int | float, params: Params) -> str:
    """Stored doubles with a number. A double equals an integer only where the integer is exactly a double."""
    bound = float(value)
    if operator == "=" and bound != value:
        return "false"
    if bound > value and operator in ("<=", ">"):  # rounding went up: what is at most the value is below the bound
        operator = {"<=": "<", ">": ">="}[operator]
    elif bound < value and operator in ("<", ">="):
        operator = {"<": "<=", ">=": ">"}[operator]
    return f"coalesce({field.fraction()} {operator} {params.bind(repr(bound))}::double, false)"
