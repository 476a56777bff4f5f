"""Reads points in time as files write them: Unix milliseconds, or ISO 8601 with or without an offset.

Accepts three things that ingest doesn't, since files come out of databases: digits in a text are a number, a trailing `UTC` is an offset,
and a time without an offset is in the timezone that the user names. A local time that occurs twice is the first of the two; one that a
clock change skips is read as if the clock had not changed.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_S: Final = 86_400
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DIGITS: Final = re.compile(r"-?[0-9]{9,18}(?:\.[0-9]*)?")
"""Nine digits or more: eight are a date."""

_ALIKE: Final = ("0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00Z")
"""How times are written that are taken apart together, a 0 being any digit."""

MIN_ALIKE: Final = 32
"""Of fewer texts each is taken apart by itself."""


Times = Any
"""What `all_to_ms` makes of a column: a list of what ingest judges, or a numpy array of Unix milliseconds."""


def in_zone(naive_ms: int, zone: tzinfo) -> int:
    """Unix milliseconds of a time that a clock in the zone shows. Times beyond the calendar stay as they are."""
    if zone is UTC:
        return naive_ms
    try:
        return ((_NAIVE_EPOCH + naive_ms * _MILLISECOND).replace(tzinfo=zone) - _EPOCH) // _MILLISECOND
    except OverflowError:
        return naive_ms


def to_ms(value: Any, zone: tzinfo) -> Any:
    """Unix milliseconds of a text. What is no time, or no text, is returned as it is, for ingest's rules to judge."""
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


def all_to_ms(values: Sequence[Any], zone: tzinfo) -> Times:
    """`to_ms` of each. Texts that are all written alike, in UTC to the millisecond or the second, cost a sixth of that."""
    if len(values) >= MIN_ALIKE and type(values[0]) is str:
        for pattern in _ALIKE:
            if len(values[0]) == len(pattern) and (alike := _alike_to_ms(values, pattern)) is not None:
                return alike
    return [to_ms(value, zone) if type(value) is str else value for value in values]


def as_list(times: Times) -> list[Any]:
    """Times one by one."""
    return times if isinstance(times, list) else times.tolist()


def _alike_to_ms(values: Sequence[Any], pattern: str) -> Any:
    """Unix milliseconds of texts that are all written alike, as an array; None where one isn't, or is no time."""
    if set(map(type, values)) != {str} or set(map(len, values)) != {len(pattern)}:
        return None
    text = "".join(values)
    if not text.isascii():
        return None
    import numpy as np

    signs = np.frombuffer(text.encode("ascii"), np.uint8).reshape(len(values), len(pattern))
    wanted = np.frombuffer(pattern.encode("ascii"), np.uint8)
    is_digit = wanted == ord("0")
    digits = signs[:, is_digit] - np.uint8(ord("0"))
    if (digits > 9).any() or (signs[:, ~is_digit] != wanted[~is_digit]).any():
        return None

    def number(first: int, end: int) -> Any:
        total = digits[:, first].astype(np.int64)
        for place in range(first + 1, end):
            total = total * 10 + digits[:, place]
        return total

    hours, minutes, seconds = number(8, 10), number(10, 12), number(12, 14)
    if (hours > 23).any() or (minutes > 59).any() or (seconds > 59).any():
        return None
    days, places = np.unique(number(0, 8), return_inverse=True)
    try:
        since = [date(day // 10_000, day // 100 % 100, day % 100).toordinal() - _EPOCH_DAY for day in days.tolist()]
    except ValueError:
        return None
    total_s = np.array(since, np.int64)[places] * _DAY_S + (hours * 60 + minutes) * 60 + seconds
    return total_s * 1000 + (number(14, 17) if digits.shape[1] > 14 else 0)
