"""The query string of a list: parameters that are known, given once and within their bounds.

Answers for what all lists have in common; which parameters a list has is said by its own parser. Assumes the decoded pairs of a query
string. Never raises before `Problems.finish_parameters`: what is wrong is noted, and read as if it were absent.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from sv.model import limits
from sv.model.calendar import ALL_TIME, DateRange, parse_list_range
from sv.model.cursor import Cursor, decode_cursor, decode_numbered_cursor, decode_topped_cursor
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.validate import Problems, clip, decode_json, read_text, show

_LIMIT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
Place = TypeVar("Place")
_FLAGS: Final = {"true": True, "false": False}


class Parameters:
    """The known parameters by name. An unknown one, and one given again, is a problem from the start."""

    def __init__(self, pairs: Iterable[tuple[str, str]], known: tuple[str, ...], problems: Problems) -> None:
        self.problems = problems
        self._given: dict[str, str] = {}
        for count, (name, value) in enumerate(pairs):
            if count == limits.MAX_QUERY_PARAMETERS:
                problems.add(clip(name), f"expected at most {limits.MAX_QUERY_PARAMETERS} parameters")
                break
            if name not in known:
                problems.add(clip(name), f"unknown parameter; the parameters are {', '.join(known)}")
            elif name in self._given:
                problems.add(name, f"expected once, got {show(self._given[name])} and {show(value)}")
            elif len(value) > limits.MAX_PARAMETER_CHARS:
                problems.unexpected(name, f"at most {limits.MAX_PARAMETER_CHARS:,} characters", value)
            else:
                self._given[name] = value

    def get(self, name: str) -> str | None:
        """The text as it was given; None where it is absent."""
        return self._given.get(name)

    def limit(self) -> int:
        """How many items a page may have."""
        text = self.get("limit")
        if text is None:
            return limits.LIST_LIMIT_DEFAULT
        if _LIMIT.fullmatch(text) and 1 <= int(text) <= limits.LIST_LIMIT_MAX:
            return int(text)
        self.problems.unexpected("limit", f"a whole number from 1 to {limits.LIST_LIMIT_MAX:,}", text)
        return limits.LIST_LIMIT_DEFAULT

    def cursor(self, *, is_uuid: bool = True) -> Cursor | None:
        """Where the page before ended. is_uuid: see `decode_cursor`."""
        return self._cursor(partial(decode_cursor, is_uuid=is_uuid))

    def numbered_cursor(self) -> int | None:
        """The id that a page ended with, of a list whose ids are whole numbers from 1 on."""
        return self._cursor(decode_numbered_cursor)

    def topped_cursor(self) -> tuple[int | None, int | None]:
        """The same, and the newest id of page 1 where the cursor has that too."""
        return self._cursor(decode_topped_cursor) or (None, None)

    def _cursor(self, decode: Callable[[str], Place]) -> Place | None:
        text = self.get("cursor")
        try:
            return None if text is None else decode(text)
        except InvalidParameter as fault:
            field, _, message = fault.message.partition(": ")
            self.problems.add(field, message)
            return None

    def dates(self, zone: ZoneInfo, now_ms: int) -> DateRange:
        """The range from `date_from` to `date_to`, all of time where both are absent."""
        return read_list_dates(self.get("date_from"), self.get("date_to"), zone, now_ms, self.problems)

    def text(self, name: str, longest: int, *, trim: bool = False) -> str | None:
        """A string of 1 to `longest` characters, repaired (trimmed first, if asked); None where absent."""
        value = self.get(name)
        return None if value is None else read_text(value, name, longest, self.problems, trim=trim)

    def flag(self, name: str) -> bool | None:
        """`true` or `false`; None where absent."""
        value = self.get(name)
        if value is not None and value not in _FLAGS:
            self.problems.unexpected(name, "true or false", value)
        return None if value is None else _FLAGS.get(value)

    def json(self, name: str) -> object:
        """What JSON a text says; None where absent."""
        value = self.get(name)
        if value is None:
            return None
        try:
            return decode_json(value)
        except ValueError as error:
            self.problems.add(name, f"{error}, got {show(value)}")
            return None


def read_list_dates(date_from: object, date_to: object, zone: ZoneInfo, now_ms: int, problems: Problems) -> DateRange:
    """The range of a list; after noting a problem, all of time. Both dates are looked at, also if one is wrong."""
    try:
        return parse_list_range(date_from, date_to, zone=zone, now_ms=now_ms, fault=ValidationFailed.at)
    except ValidationFailed as fault:
        problems.take(fault)
        if date_from is not None and date_to is not None and fault.details[0].field == "date_to":
            read_list_dates(date_from, None, zone, now_ms, problems)
        return ALL_TIME
