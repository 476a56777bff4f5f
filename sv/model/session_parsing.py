"""The query string of a list of sessions."""

import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from sv.model import limits
from sv.model.cursor import Cursor
from sv.model.filters import URL_PROPERTY, compares_path, url_path
from sv.model.list_parsing import Parameters
from sv.model.sessions import SessionFilter, SessionPlace
from sv.model.validate import Problems

SESSIONS_PARAMETERS: Final = (
    "limit", "cursor", "date_from", "date_to", "distinct_id", "min_duration", "max_duration", "is_bounce", "entry_url", "country",
    "device_type", "browser",
)  # fmt: skip

_SECONDS: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_PLACE: Final = re.compile(r"(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})", re.ASCII)


class SessionsQuery(Struct, frozen=True):
    """A page of sessions. after: the place that the page before ended with."""

    limit: int
    after: SessionPlace | None
    wanted: SessionFilter


def parse_sessions_query(
    parameters: Iterable[tuple[str, str]], *, timezone: str, now_ms: int, without: tuple[str, ...] = ()
) -> SessionsQuery:
    """A page of sessions from a query string's pairs, decoded.

    without: parameters that the list doesn't have. Errors: InvalidParameter for wrong values, unknown parameters and those given twice.
    """
    problems = Problems()
    given = Parameters(parameters, tuple(name for name in SESSIONS_PARAMETERS if name not in without), problems)
    entry_url = given.text("entry_url", limits.MAX_FILTER_VALUE_CHARS)
    is_path = compares_path(URL_PROPERTY, entry_url)
    shortest, longest = _duration(given, "min_duration", ROUND_CEILING), _duration(given, "max_duration", ROUND_FLOOR)
    if shortest is not None and longest is not None and shortest > longest:
        problems.unexpected("max_duration", "at least min_duration", given.get("max_duration"))
    query = SessionsQuery(
        limit=given.limit(),
        after=_place(given),
        wanted=SessionFilter(
            dates=given.dates(ZoneInfo(timezone), now_ms),
            distinct_id=given.text("distinct_id", limits.MAX_ID_CHARS),
            min_duration_ms=shortest,
            max_duration_ms=longest,
            is_bounce=given.flag("is_bounce"),
            entry_url=None if is_path else entry_url,
            entry_path=url_path(entry_url) if entry_url is not None and is_path else None,
            country=given.text("country", limits.MAX_FILTER_VALUE_CHARS),
            device_type=given.text("device_type", limits.MAX_FILTER_VALUE_CHARS),
            browser=given.text("browser", limits.MAX_FILTER_VALUE_CHARS),
        ),
    )
    problems.finish_parameters()
    return query


def place_cursor(place: SessionPlace) -> Cursor:
    """The cursor of a list whose last item was there."""
    return Cursor(place.started_ms, f"{place.change}-{place.tie}")


def _place(given: Parameters) -> SessionPlace | None:
    cursor = given.cursor(is_uuid=False)
    if cursor is None:
        return None
    found = _PLACE.fullmatch(cursor.id)
    if found is not None and int(found[1]) < 2**62 and int(found[2]) < 2**62:
        return SessionPlace(cursor.ts, int(found[2]), int(found[1]))
    given.problems.unexpected("cursor", "the next_cursor of a page before", given.get("cursor"))
    return None


def _duration(given: Parameters, name: str, rounding: str) -> int | None:
    """Milliseconds of a number of seconds; a duration has whole ones."""
    text = given.get(name)
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        seconds = Decimal(text)
        if seconds <= limits.MAX_DURATION_SECONDS:
            return int((seconds * 1000).to_integral_value(rounding))
    given.problems.unexpected(name, f"a number of seconds from 0 to {limits.MAX_DURATION_SECONDS:,}", text)
    return None
