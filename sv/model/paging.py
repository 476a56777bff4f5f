"""The two parameters that every list has: how much, and from where.

Answers for the lists that take these two alone; lists of events have parsers of their own. Cursors name an item by its time and its id.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from sv.model import limits
from sv.model.cursor import Cursor, decode_cursor
from sv.model.errors import InvalidParameter
from sv.model.validate import Problems, clip, show

PAGE_PARAMETERS: Final = ("limit", "cursor")
_LIMIT: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


class PageQuery(Struct, frozen=True):
    """At most `limit` items, of those older than `after` names."""

    limit: int = limits.LIST_LIMIT_DEFAULT
    after: Cursor | None = None


def parse_page_query(parameters: Iterable[tuple[str, str]]) -> PageQuery:
    """The page that a query string asks for. Errors: InvalidParameter, naming all that is wrong."""
    problems = Problems()
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in PAGE_PARAMETERS:
            problems.add(clip(name), f"unknown parameter; the parameters are {', '.join(PAGE_PARAMETERS)}")
        elif name in given:
            problems.add(name, f"expected once, got {show(given[name])} and {show(value)}")
        else:
            given[name] = value
    limit = given.get("limit", str(limits.LIST_LIMIT_DEFAULT))
    if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= limits.LIST_LIMIT_MAX):
        problems.unexpected("limit", f"a whole number from 1 to {limits.LIST_LIMIT_MAX:,}", limit)
    after = _read_cursor(given.get("cursor"), problems)
    problems.finish_parameters()
    return PageQuery(int(limit), after)


def _read_cursor(text: str | None, problems: Problems) -> Cursor | None:
    try:
        return None if text is None else decode_cursor(text, is_uuid=False)
    except InvalidParameter as fault:
        field, _, message = fault.message.partition(": ")
        problems.add(field, message)
        return None
