"""Reading JSON of unknown shape, strictly and in one go.

Answers for: each wrong field named by its path (`steps[1].filters[0].operator`) with what was expected and
what was got, all of them found in one pass, and the caller's text repeated only in bounded pieces. Assumes
data as a JSON decoder gives it (dict, list, str, int, float, bool, None). Never raises before
`Problems.finish`, never recurses, and never looks at a value that no parser asked for.

A reader (`Fields.text`, `Fields.whole`, …) answers its default where the value is wrong, having noted the
problem, so that parsers read on; what they build is thrown away by `finish`. For an optional field null is
the same as absent: clients in typed languages send it so.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar, cast

import msgspec

from sv.model import json_repair, limits
from sv.model.errors import Detail, InvalidParameter, ValidationFailed

E = TypeVar("E", bound=StrEnum)

_SHOWN_TOKEN_CHARS = 12
_UNSTORABLE = {0: "\ufffd"} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def repair(text: str) -> str:
    """The text with each NUL and each lone surrogate as U+FFFD, just as ingest stores it.

    Queries go through the same repair as events: what a client sent can be asked for by what it sent, and no
    text reaches the engine that UTF-8 can't carry.
    """
    return text.translate(_UNSTORABLE)


def show(value: object) -> str:
    """A caller's value for a message: JSON on one line, of at most some 100 characters."""
    if isinstance(value, dict):
        return f"an object of {len(cast('dict[object, object]', value))}"
    if isinstance(value, list):
        return f"a list of {len(cast('list[object]', value))}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        # str() of a huge integer is slow, and Python refuses it beyond 4,300 digits.
        return "a number of over 77 digits"
    if isinstance(value, str):
        cut = value[: limits.MAX_SHOWN_CHARS]
        text = _json(repair(cut))
        return text if len(cut) == len(value) else f'{text[:-1]}…" ({len(value):,} characters)'
    return _json(value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def clip(name: str) -> str:
    """A caller's field name for a path: printable, and at most 100 characters."""
    cut = repair(name[: limits.MAX_SHOWN_CHARS])
    text = cut if cut.isprintable() else ascii(cut)
    return text if len(name) <= limits.MAX_SHOWN_CHARS else text + "…"


def show_token(token: str) -> str:
    """Enough of a project token to recognise it by, not enough to use it, in quotes."""
    return repr(token if len(token) <= _SHOWN_TOKEN_CHARS else f"{token[:_SHOWN_TOKEN_CHARS]}…")


def join(path: str, name: str) -> str:
    """`steps[1]` and `event` to `steps[1].event`; at the top, where the path is empty, the bare name."""
    return f"{path}.{name}" if path else name


class Problems:
    """The wrong fields found so far, in order. At most `MAX_DETAILS` are kept; the rest are counted."""

    def __init__(self) -> None:
        self._details: list[Detail] = []
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._details)

    def add(self, field: str, message: str) -> None:
        """Note that `field` (a path) is wrong."""
        if len(self._details) < limits.MAX_DETAILS:
            self._details.append(Detail(field, message))
        else:
            self._dropped += 1

    def unexpected(self, field: str, expected: str, got: object) -> None:
        """Note "expected …, got …", the value shown in bounded form."""
        self.add(field, f"expected {expected}, got {show(got)}")

    def take(self, fault: ValidationFailed) -> None:
        """Note problems that were found elsewhere."""
        for detail in fault.details:
            self.add(detail.field, detail.message)

    @property
    def details(self) -> tuple[Detail, ...]:
        return tuple(self._details)

    def message(self) -> str:
        """The first three in a sentence, and how many more there are."""
        shown = [f"{d.field}: {d.message}" if d.field else d.message for d in self._details[:3]]
        rest = len(self._details) + self._dropped - len(shown)
        return "; ".join(shown) + (f"; and {rest} more" if rest else "")

    def finish(self) -> None:
        """Raise `ValidationFailed` (422) with every detail, if anything was noted."""
        if self:
            raise ValidationFailed(self.message(), self.details)

    def finish_parameters(self) -> None:
        """Raise `InvalidParameter` (400), if anything was noted: the same, but in a query string."""
        if self:
            raise InvalidParameter(self.message())


def decode_json(text: str) -> object:
    """JSON text from a query string, decoded.

    Errors: ValueError saying what is wrong, whatever the text: not JSON, nested too deeply, not UTF-8.
    """
    try:
        return decoded(text.encode("utf-8"))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError(f"expected JSON: {error}") from None
    except RecursionError:
        raise ValueError("expected JSON that is not nested so deeply") from None


def decoded(data: bytes) -> object:
    """The JSON value of a question, of which escaped halves of surrogate pairs are repaired, just as ingest does. Raises what the decoder
    raises, also where it is no UTF-8."""
    try:
        return cast("object", msgspec.json.decode(data))
    except msgspec.DecodeError:
        data.decode("utf-8")
        repaired = json_repair.repair(data)
        if repaired == data:
            raise
        return cast("object", msgspec.json.decode(repaired))


def not_json(body: bytes, error: Exception) -> InvalidParameter:
    """What to raise for a body that a decoder gave up on, with the decoder's error."""
    if not body.strip():
        return InvalidParameter("expected JSON, got nothing (body)")
    wrong = "it nests too deeply" if isinstance(error, RecursionError) else error
    return InvalidParameter(f"the body is not JSON: {wrong} (body)")


class Fields:
    """One JSON object being read. Unknown fields are problems from the start.

    `known` lists the fields that the object may have; `path` is where it stands (empty at the top).
    """

    def __init__(self, data: object, path: str, known: Iterable[str], problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._known = tuple(known)
        self._data: Mapping[str, object] = {}
        if isinstance(data, dict):
            self._data = cast("dict[str, object]", data)
            self._refuse_unknown()
        else:
            problems.unexpected(path or "body", "an object", data)

    def _refuse_unknown(self) -> None:
        for name in self._data:
            if name not in self._known:
                self.problems.add(self.at(clip(name)), f"unknown field; the fields are {', '.join(self._known)}")

    def at(self, name: str) -> str:
        """The path of a field of this object."""
        return join(self.path, name)

    def get(self, name: str) -> object:
        """The raw value; None where it is absent or null."""
        return self._data.get(name)

    def require(self, name: str, expected: str) -> object:
        """The raw value; a problem where it is absent or null."""
        value = self._data.get(name)
        if value is None:
            self.problems.add(self.at(name), f"required: {expected}")
        return value

    def text(self, name: str, longest: int, *, trim: bool = False) -> str | None:
        """A string of 1 to `longest` characters, repaired (trimmed first, if asked); None where absent."""
        value = self.get(name)
        return None if value is None else read_text(value, self.at(name), longest, self.problems, trim=trim)

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number from `low` to `high`; 10.0 is one, true and "10" are not."""
        value = self.get(name)
        if value is None:
            return default
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return number
        self.problems.unexpected(self.at(name), f"a whole number from {low:,} to {high:,}", value)
        return default

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number from `low` to `high`, whole or not; true and "0.5" are none."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.problems.unexpected(self.at(name), f"a number from {low:,.15g} to {high:,.15g}", value)
        return default

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.problems.unexpected(self.at(name), "true or false", value)
        return default

    def choice(self, name: str, options: type[E], default: E) -> E:
        """A member of a closed enum, by its value."""
        value = self.get(name)
        if value is None:
            return default
        found = read_choice(value, self.at(name), options, self.problems)
        return default if found is None else found

    def items(self, name: str, low: int, high: int) -> list[tuple[str, object]]:
        """The items of a list, each with its path; [] where absent (a problem if `low` > 0) or wrong."""
        value = self.get(name)
        expected = f"a list of {low} to {high:,} items"
        if value is None:
            if low:
                self.problems.add(self.at(name), f"required: {expected}")
            return []
        if not isinstance(value, list) or not low <= len(cast("list[object]", value)) <= high:
            self.problems.unexpected(self.at(name), expected, value)
            return []
        return [(f"{self.at(name)}[{i}]", item) for i, item in enumerate(cast("list[object]", value))]


def read_text(value: object, path: str, longest: int, problems: Problems, *, trim: bool = False) -> str | None:
    """A string of 1 to `longest` characters, repaired; None after noting a problem."""
    if isinstance(value, str):
        text = repair(value.strip() if trim else value)
        if 1 <= len(text) <= longest:
            return text
    problems.unexpected(path, f"a string of 1 to {longest:,} characters", value)
    return None


def read_choice(value: object, path: str, options: type[E], problems: Problems) -> E | None:
    """A member of a closed enum by its value; None after noting a problem."""
    if isinstance(value, str) and value in options.__members__.values():
        return options(value)
    problems.unexpected(path, "one of " + ", ".join(options), value)
    return None
