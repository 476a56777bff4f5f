"""Points in time as files write them: Unix milliseconds, or ISO 8601 with or without an offset.

Goes beyond ingest in three things, since files come out of databases: digits in a text are a number, a trailing `UTC` is an offset, and a
time without an offset is of the zone that the user names. Where a clock shows a time twice it is the first of the two; where it skips one,
the time is as if it had not.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_S: Final = 86_400
_DIGITS: Final = re.compile(r"-?[0-9]{9,18}(?:\.[0-9]*)?")
"""Nine digits or more: eight are a date."""


def in_zone(naive_ms: int, zone: tzinfo) -> int:
    """Unix milliseconds of a time that a clock in the zone shows. Times beyond the calendar stay as they are."""
    if zone is UTC:
        return naive_ms
    try:
        return ((_NAIVE_EPOCH + naive_ms * _MILLISECOND).replace(tzinfo=zone) - _EPOCH) // _MILLISECOND
    except OverflowError:
        return naive_ms


def to_ms(value: Any, zone: tzinfo) -> Any:
    """Unix milliseconds of a text; what is no time, and what is no text, stays as it is, for ingest's rules to judge."""
    if not isinstance(value, str):
        return value
    text = value.strip()[:64]
    if text[4:5] != "-" and _DIGITS.fullmatch(text):  # the dash of nearly all of them, behind the year
        return int(text.partition(".")[0])
    if text.endswith(" UTC"):
        text = text[:-4] + "+00:00"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        since = moment - _EPOCH
        return (since.days * _DAY_S + since.seconds) * 1000 + since.microseconds // 1000
    except (ValueError, OverflowError):
        return value
