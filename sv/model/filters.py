"""Filters on properties: what a list of them means, how it is read, and which events it holds for.

Answers for the closed set of operators, for strict reading of callers' filters, and with `matches` for the
truth that SQL is tested against. Assumes JSON values as decoded. Never touches SQL: a property's name is
data.

A filter compares by JSON type: `"10"` is not `10`, `true` is not `1`, `10` is `10.0`; integers of 64 bits
compare exactly, all other numbers as IEEE doubles. An array or an object equals nothing. A property that is
null is the same as one that is absent.

    exact                equal to the value (a string, number or boolean), or to any of a list of them
    icontains            a string with the value (a string) in it, upper and lower case being the same
    regex                a string in which the expression (RE2) is found; `^…$` asks for all of it
    gt gte lt lte        of the value's type (number or string) and on that side of it; strings by code point,
                         so that dates compare where both are written in the same form
    is_set               there and not null; takes no value
    is_not not_icontains not_regex is_not_set
                         hold wherever exact, icontains, regex, is_set do not: as in PostHog, that includes
                         events without the property

A filter on `$current_url` whose value starts with `/` is about the page, whatever the operator: it compares
with the URL's path without query and fragment (`url_path`), a slash at the end being ignored: `exact` and
the orders on both sides; `icontains` reads the path as if it ended in one slash, so that `/blog/` is in
`…/blog` and not in `…/blogger`; `regex` may be found in the path with or without it. With a list, each
value goes by its own first character.

A regular expression beyond a simple one sees the first 1,024 characters of a value (`sv.model.regexes`).
"""

import re
from collections.abc import Callable
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Any, Final, TypeAlias, cast

from msgspec import Struct

from sv.model import limits
from sv.model.regexes import MAX_REGEX_TEXT_CHARS, is_simple, read_regex
from sv.model.validate import Fields, Problems, clip, join, read_choice, read_text, repair

Scalar: TypeAlias = str | int | float | bool
"""A JSON value that can be compared with."""

Value: TypeAlias = Scalar | tuple[Scalar, ...] | None
"""A filter's value: a tuple for "any of", None for the operators that take none."""

URL_PROPERTY: Final = "$current_url"


class Operator(StrEnum):
    """How a property is compared. The module's docstring says what each means."""

    EXACT = "exact"
    IS_NOT = "is_not"
    ICONTAINS = "icontains"
    NOT_ICONTAINS = "not_icontains"
    REGEX = "regex"
    NOT_REGEX = "not_regex"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


NEGATED: Final = {
    Operator.IS_NOT: Operator.EXACT,
    Operator.NOT_ICONTAINS: Operator.ICONTAINS,
    Operator.NOT_REGEX: Operator.REGEX,
    Operator.IS_NOT_SET: Operator.IS_SET,
}
"""The operators that hold wherever another does not, each with that other."""

_COMPARED: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EXACT: eq,
    Operator.GT: gt,
    Operator.GTE: ge,
    Operator.LT: lt,
    Operator.LTE: le,
}
_SETS = frozenset({Operator.IS_SET, Operator.IS_NOT_SET})
_EQUALS = frozenset({Operator.EXACT, Operator.IS_NOT})
_CONTAINS = frozenset({Operator.ICONTAINS, Operator.NOT_ICONTAINS})
_REGEXES = frozenset({Operator.REGEX, Operator.NOT_REGEX})


class Filter(Struct, frozen=True, eq=False):
    """One condition on one property. Equal and hashed by JSON type too, so that it can key a cache."""

    property: str
    operator: Operator = Operator.EXACT
    value: Value = None

    def _identity(self) -> tuple[object, ...]:
        # SCAR: to Python 1 == True, and a cache keyed by plain equality answered one filter with the
        # other's rows.
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return (self.property, self.operator, isinstance(self.value, tuple), *((_kind(v), v) for v in values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


def _kind(value: object) -> str:
    """The JSON type that a value compares as."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "other"


# ---- Reading ----


def parse_filters(data: object, path: str = "filters") -> tuple[Filter, ...]:
    """A list of `{"property", "operator", "value"}`, as decoded from JSON; `operator` is `exact` where absent.

    Errors: ValidationFailed with every wrong field by its path, as in `filters[0].operator`.
    """
    problems = Problems()
    found = read_filters(data, path, problems)
    problems.finish()
    return found


def read_filters(data: object, path: str, problems: Problems) -> tuple[Filter, ...]:
    """As `parse_filters`, noting problems instead of raising. Absent (None) is no filter."""
    if data is None:
        return ()
    if not isinstance(data, list) or len(cast("list[object]", data)) > limits.MAX_FILTERS:
        problems.unexpected(path, f"a list of at most {limits.MAX_FILTERS} filters", data)
        return ()
    items = cast("list[object]", data)
    return tuple(_read_filter(item, f"{path}[{i}]", problems) for i, item in enumerate(items))


def read_properties(data: object, path: str, problems: Problems) -> tuple[Filter, ...]:
    """The short form `{"k": v}`: an `exact` filter for each key, `v` being a value or a list of values."""
    if data is None:
        return ()
    if not isinstance(data, dict) or len(cast("dict[object, object]", data)) > limits.MAX_FILTERS:
        problems.unexpected(path, f"an object of at most {limits.MAX_FILTERS} properties", data)
        return ()
    found: list[Filter] = []
    for name, value in cast("dict[str, object]", data).items():
        at = join(path, clip(name))
        key = read_text(name, at, limits.MAX_PROPERTY_NAME_CHARS, problems)
        if value is None:
            problems.add(at, "expected a value, got null (for absent properties: the operator is_not_set)")
        else:
            found.append(Filter(key or "", Operator.EXACT, _read_equal(value, at, problems)))
    return tuple(found)


def _read_filter(item: object, path: str, problems: Problems) -> Filter:
    fields = Fields(item, path, ("property", "operator", "value"), problems)
    if not isinstance(item, dict):
        return Filter("")
    name = fields.require("property", f"a string of 1 to {limits.MAX_PROPERTY_NAME_CHARS} characters")
    if name is not None:
        name = read_text(name, fields.at("property"), limits.MAX_PROPERTY_NAME_CHARS, problems)
    asked = fields.get("operator")
    operator = Operator.EXACT
    if asked is not None:
        known = read_choice(asked, fields.at("operator"), Operator, problems)
        if known is None:  # without an operator there is no telling what the value may be
            return Filter(name or "")
        operator = known
    return Filter(name or "", operator, _read_value(operator, fields, problems))


def _read_value(operator: Operator, fields: Fields, problems: Problems) -> Value:
    at = fields.at("value")
    if operator in _SETS:
        if fields.get("value") is not None:
            problems.unexpected(at, f"no value with {operator}", fields.get("value"))
        return None
    if operator in _EQUALS:
        expected = "a string, number, boolean or a list of them (for absent properties: is_not_set)"
        value = fields.require("value", expected)
        return None if value is None else _read_equal(value, at, problems)
    if operator in _REGEXES:
        value = fields.require("value", f"a string of 1 to {limits.MAX_REGEX_CHARS:,} characters")
        return None if value is None else read_regex(value, at, problems)
    if operator in _CONTAINS:
        longest = limits.MAX_FILTER_VALUE_CHARS
        value = fields.require("value", f"a string of 1 to {longest:,} characters")
        return None if value is None else read_text(value, at, longest, problems)
    value = fields.require("value", "a number or a string")
    if value is None:
        return None
    scalar = None if isinstance(value, bool) else _as_scalar(value)
    if scalar is None:
        problems.unexpected(at, "a number or a string", value)
    return scalar


def _read_equal(value: object, path: str, problems: Problems) -> Value:
    """The value of an equality: a scalar, or a list of 1 to `MAX_FILTER_VALUES` of them."""
    if not isinstance(value, list):
        return _read_scalar(value, path, problems)
    items = cast("list[object]", value)
    if not 1 <= len(items) <= limits.MAX_FILTER_VALUES:
        problems.unexpected(path, f"a list of 1 to {limits.MAX_FILTER_VALUES:,} values", items)
        return None
    found = (_read_scalar(item, f"{path}[{i}]", problems) for i, item in enumerate(items))
    return tuple(item for item in found if item is not None)


def _read_scalar(value: object, path: str, problems: Problems) -> Scalar | None:
    scalar = _as_scalar(value)
    if scalar is None:
        problems.unexpected(path, "a string, number or boolean", value)
    return scalar


def _as_scalar(value: object) -> Scalar | None:
    """The value as stored ones are: text repaired, integers beyond 64 bits as doubles. None if it is none."""
    if isinstance(value, str):
        return repair(value) if len(value) <= limits.MAX_FILTER_VALUE_CHARS else None
    if isinstance(value, int | float):
        return _number(value)
    return None


def _number(value: int | float) -> int | float | None:
    """Integers of 64 bits, signed or not, as they are; all else as a double; None where that is too large."""
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    try:
        double = float(value)
    except OverflowError:
        return None
    return double if abs(double) != float("inf") and double == double else None


# ---- Meaning ----


def compares_path(name: str, value: object) -> bool:
    """Whether a filter on this property with this value is about the URL's path rather than the whole URL."""
    return name == URL_PROPERTY and isinstance(value, str) and value.startswith("/")


_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")


def url_path(url: str) -> str | None:
    """A URL's path without query, fragment and one slash at its end: "" for a site's root.

    A text that starts with "/" is a path already. None for what has no such path, as "about:blank" and "".
    """
    if url.startswith("/"):
        rest = url
    elif origin := _ORIGIN.match(url):
        rest = url[origin.end() :]
    else:
        return None
    return rest.partition("#")[0].partition("?")[0].removesuffix("/")


def lower(text: str) -> str:
    """Each character's lower-case form, one for one as in SQL's `lower()`, blind to its neighbours."""
    return "".join(char.lower()[0] for char in text)


def matches(item: Filter, properties: dict[str, object]) -> bool:
    """Whether the filter holds for an event with these properties (decoded JSON, enrichment included).

    The definition, slow and obvious, for tests: it never serves a request. Regular expressions run in
    Python's `re`, so tests use the syntax that it shares with RE2; `$` is the end of the text, not of a
    line before it.
    """
    if item.operator in NEGATED:
        return not matches(Filter(item.property, NEGATED[item.operator], item.value), properties)
    held = properties.get(item.property)
    if held is None:
        return False
    if item.operator is Operator.IS_SET:
        return True
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    return any(_holds(item.property, item.operator, held, value) for value in values)


def _holds(name: str, operator: Operator, held: object, value: Scalar | None) -> bool:
    """One positive comparison of a property that is there."""
    if isinstance(held, str) and isinstance(value, str):
        if not compares_path(name, value):
            return _text_holds(operator, held, value)
        path = url_path(held)
        return path is not None and _path_holds(operator, path, value)
    if _kind(held) != _kind(value) or operator not in _COMPARED:
        return False
    if isinstance(held, bool) or isinstance(value, bool):
        return operator is Operator.EXACT and held is value
    if isinstance(held, int | float) and isinstance(value, int | float):
        left, right = _number(held), _number(value)
        return left is not None and right is not None and _COMPARED[operator](left, right)
    return False


def _text_holds(operator: Operator, held: str, value: str) -> bool:
    if operator is Operator.ICONTAINS:
        return lower(value) in lower(held)
    if operator is Operator.REGEX:
        seen = held if is_simple(value) else held[:MAX_REGEX_TEXT_CHARS]
        return re.search(value, seen) is not None
    return _COMPARED[operator](held, value)


def _path_holds(operator: Operator, path: str, value: str) -> bool:
    if operator is Operator.ICONTAINS:
        return _text_holds(operator, path + "/", value)
    if operator is Operator.REGEX:
        return _text_holds(operator, path, value) or _text_holds(operator, path + "/", value)
    return _text_holds(operator, path, url_path(value) or "")
