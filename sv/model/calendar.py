"""Dates: what `date_from`, `date_to` and `timezone` mean, and where the buckets of a series begin.

Answers for the way from the caller's words to half-open ranges of Unix milliseconds, and for bucket edges
that follow a timezone over every change of its clock. Assumes the time zone database of the system or of
the `tzdata` package. Never reads a clock: `now_ms` is an argument.

The words of a date, in the timezone of the query or else the project:

| text | as `date_from` | as `date_to` |
|---|---|---|
| `2025-01-31` | from the start of that day | that day included whole |
| `2025-01-31T12:00` with `:SS.fff`, `Z` or `+02:00` if wanted | from that instant | up to it, excluded |
| `-7d`, `-2w`, `-3mo`, `-1y`, `-0d` (today) | as the date that long before today | the same |
| `-24h`, `-30min` | from that long before now, to the millisecond | up to it, excluded |

A relative day is a date, as in PostHog, so that `-7d` cuts no day in two. `-3m` is refused: minutes to
some, months to others. A local time that a clock change skips is read as if the clock had not changed yet;
of one that repeats, the first is meant. A space before an offset is taken for the `+` that a URL turned
into a space.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from sv.model import limits
from sv.model.errors import ClientFault
from sv.model.validate import show

Fault = Callable[[str, str], ClientFault]
"""Makes the error to raise from a field's name and a message: `ValidationFailed.at`, or another status."""


class Interval(StrEnum):
    """The width of a bucket. Weeks start on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class DateRange(Struct, frozen=True):
    """Half-open, in Unix milliseconds: `from_ms` is in it, `to_ms` is not."""

    from_ms: int
    to_ms: int


class Bucket(Struct, frozen=True):
    """Where a bucket begins, in Unix milliseconds and as the wire has it. It ends where the next begins."""

    start_ms: int
    label: str


ALL_TIME: Final = DateRange(limits.MIN_TIMESTAMP_MS, limits.MAX_TIMESTAMP_MS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LAST_ORDINAL = date(9999, 12, 30).toordinal()
_MILLISECOND = timedelta(milliseconds=1)

_EXPECTED_DATE = "a date (2025-01-31), a datetime (2025-01-31T12:00:00Z) or a relative one (-7d, -2w, -3mo, -1y, -24h, -30min)"
_ABSOLUTE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+\- ])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
_RELATIVE = re.compile(r"-(\d{1,9})(min|h|d|w|mo|y|m)", re.ASCII)
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+){0,2}", re.ASCII)
_NOT_ZONES = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})
_SPAN_MS = {"min": limits.MINUTE_MS, "h": limits.HOUR_MS}
_SPAN_DAYS = {"d": 1, "w": 7}


# ---- Timezones ----


def parse_timezone(name: object, field: str, fault: Fault) -> ZoneInfo:
    """The zone of an IANA name such as `Europe/Berlin` or `UTC`.

    Errors: `fault` for anything else. That includes files which a machine's zone folder holds beside the IANA
    names: `localtime` differs between machines, and `right/…` counts leap seconds.
    """
    if isinstance(name, str) and _is_zone_name(name):
        try:
            return ZoneInfo(name)
        except (LookupError, ValueError, OSError):  # unknown; not a zone file; a folder such as `Europe`
            pass
    raise fault(field, f"expected an IANA timezone such as Europe/Berlin, got {show(name)}")


def _is_zone_name(name: str) -> bool:
    return (
        len(name) <= limits.MAX_TIMEZONE_CHARS
        and _ZONE_NAME.fullmatch(name) is not None
        and name.partition("/")[0] not in _NOT_ZONES
    )


def offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    """How far the zone's clock is ahead of UTC at an instant, both in milliseconds."""
    # Near the year 10000 the local date leaves what datetime can hold; no zone's rules differ there from a
    # day before.
    moment = _EPOCH + timedelta(milliseconds=min(at_ms, limits.MAX_TIMESTAMP_MS - limits.DAY_MS))
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _MILLISECOND


def iso_ms(at_ms: int) -> str:
    """Unix milliseconds as the wire writes them: `2025-01-31T12:00:00.000Z`. Years 1 to 9999."""
    return (_NAIVE_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds") + "Z"


def show_moment(sent: object, at_ms: int) -> str:
    """A caller's time for a message, with the instant that a number means: nobody reads one as a time."""
    shown = show(sent)
    return shown if isinstance(sent, str) or at_ms > limits.MAX_TIMESTAMP_MS else f"{shown}, which is {iso_ms(at_ms)}"


def _local_ordinal(zone: ZoneInfo, at_ms: int) -> int:
    """The day that the zone's calendar shows at an instant, counted as `date.toordinal` does."""
    return (at_ms + offset_ms(zone, at_ms)) // limits.DAY_MS + _EPOCH_ORDINAL


def _first_true(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least n in (low, high] that `holds`: false up to some n, true from there on to `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def day_start_ms(zone: ZoneInfo, ordinal: int) -> int:
    """The instant at which a day begins: after it the zone's calendar never shows an earlier day again.

    Mostly local midnight. Where a clock change skips midnight, the instant of the change; where it shows
    midnight twice with the day before in between (St John's until 2011, at 00:01 back to 23:01), the
    second; where it repeats the day's own first hour, the first. A day that a zone skipped whole (Apia's
    2011-12-30) begins with the next. Days after 9999-12-30 begin at the end of time.
    """
    if ordinal > _LAST_ORDINAL:
        return limits.MAX_TIMESTAMP_MS
    local = (ordinal - _EPOCH_ORDINAL) * limits.DAY_MS
    early, late = (_local_to_ms(zone, local, fold) for fold in (0, 1))
    if early > late:  # skipped: the change lies in (late, early]
        return _first_true(late, early, lambda at: at + offset_ms(zone, at) >= local)
    if early < late and late - 1 + offset_ms(zone, late - 1) < local:
        return late
    return early


def _local_to_ms(zone: ZoneInfo, local_ms: int, fold: int) -> int:
    """The instant at which the zone's clock shows a reading, given as milliseconds since its 1970-01-01."""
    reading = (_NAIVE_EPOCH + timedelta(milliseconds=local_ms)).replace(tzinfo=zone, fold=fold)
    offset = reading.utcoffset()
    return local_ms - (0 if offset is None else offset // _MILLISECOND)


# ---- Dates ----


class _Asked(Struct, frozen=True):
    """What both ends of a range are read with."""

    zone: ZoneInfo
    now_ms: int
    fault: Fault


def parse_list_range(date_from: object, date_to: object, *, zone: ZoneInfo, now_ms: int, fault: Fault) -> DateRange:
    """The range of a list. An end that is absent (None) is open: a list without dates shows everything.

    Errors: `fault`, naming `date_from` or `date_to`, for other words than this module's docstring has, and
    for a range with nothing in it.
    """
    asked = _Asked(zone, now_ms, fault)
    to_ms = ALL_TIME.to_ms if date_to is None else _parse_end("date_to", date_to, asked)
    from_ms = ALL_TIME.from_ms if date_from is None else _parse_end("date_from", date_from, asked)
    return _range(from_ms, to_ms, "date_from" if date_to is None else "date_to", asked)


def parse_insight_range(
    date_from: object,
    date_to: object,
    *,
    zone: ZoneInfo,
    now_ms: int,
    interval: Interval | None,
    fault: Fault,
) -> DateRange:
    """The range of an insight.

    Without `date_to` it ends with today, or with the running hour where `interval` is the hour: not right
    now, so that an event is counted whose client's clock is a little ahead of ours. Without `date_from` it
    begins 30 days before the day on which it ends. Errors as `parse_list_range`.
    """
    asked = _Asked(zone, now_ms, fault)
    if date_to is not None:
        to_ms = _parse_end("date_to", date_to, asked)
    elif interval is Interval.HOUR:
        to_ms = _next_hour_ms(zone, now_ms)
    else:
        to_ms = day_start_ms(zone, _local_ordinal(zone, now_ms) + 1)
    if date_from is not None:
        from_ms = _parse_end("date_from", date_from, asked)
    else:
        from_ms = day_start_ms(zone, _local_ordinal(zone, to_ms - 1) - limits.RANGE_DEFAULT_DAYS)
    return _range(from_ms, to_ms, "date_from" if date_to is None else "date_to", asked)


def range_before(span: DateRange, zone: ZoneInfo) -> DateRange | None:
    """The range of equal length that ends where this one begins: of as many days where it is whole days, so that days stay days over a
    clock change, else of as many milliseconds. Cut at the beginning of time; None where nothing lies before it.
    """
    first, end = _local_ordinal(zone, span.from_ms), _local_ordinal(zone, span.to_ms)
    from_ms = span.from_ms - (span.to_ms - span.from_ms)
    if day_start_ms(zone, first) == span.from_ms and day_start_ms(zone, end) == span.to_ms and first < end:
        from_ms = day_start_ms(zone, max(2 * first - end, _EPOCH_ORDINAL))
    from_ms = max(from_ms, ALL_TIME.from_ms)
    return DateRange(from_ms, span.from_ms) if from_ms < span.from_ms else None


def _range(from_ms: int, to_ms: int, blame: str, asked: _Asked) -> DateRange:
    from_ms, to_ms = max(from_ms, ALL_TIME.from_ms), min(to_ms, ALL_TIME.to_ms)
    if from_ms < to_ms:
        return DateRange(from_ms, to_ms)
    edges = f"{iso_ms(min(from_ms, ALL_TIME.to_ms))} to {iso_ms(max(to_ms, ALL_TIME.from_ms))}"
    raise asked.fault(blame, f"expected date_from before date_to, got the empty range {edges}")


def _parse_end(field: str, text: object, asked: _Asked) -> int:
    """One end of a range. `date_to` takes a day whole, so its instant is the start of the day after."""
    days_on = 1 if field == "date_to" else 0
    if isinstance(text, str) and (found := _RELATIVE.fullmatch(text)):
        return _relative(field, text, int(found[1]), found[2], days_on, asked)
    if isinstance(text, str) and (found := _ABSOLUTE.fullmatch(text)):
        try:
            return _absolute(found, days_on, asked.zone)
        except ValueError as error:
            raise asked.fault(field, f"expected {_EXPECTED_DATE}, got {show(text)}: {error}") from None
    raise asked.fault(field, f"expected {_EXPECTED_DATE}, got {show(text)}")


def _relative(field: str, text: str, amount: int, unit: str, days_on: int, asked: _Asked) -> int:
    if unit == "m":
        raise asked.fault(field, f"expected {_EXPECTED_DATE}, got {show(text)}: min is minutes, mo is months")
    if amount > limits.MAX_RELATIVE_AMOUNT:
        raise asked.fault(field, f"expected a number up to {limits.MAX_RELATIVE_AMOUNT:,}, got {show(text)}")
    if unit in _SPAN_MS:
        return max(asked.now_ms - amount * _SPAN_MS[unit], limits.MIN_TIMESTAMP_MS)
    today = _local_ordinal(asked.zone, asked.now_ms)
    if unit in _SPAN_DAYS:
        ordinal = today - amount * _SPAN_DAYS[unit]
    else:
        ordinal = _months_before(today, amount * (12 if unit == "y" else 1))
    # Before 1970 there is nothing; -5000w from today is the beginning of time, not a date that can't be
    # written.
    return day_start_ms(asked.zone, max(ordinal, _EPOCH_ORDINAL) + days_on)


def _months_before(ordinal: int, months: int) -> int:
    """The same day of an earlier month, or its last day where it is shorter; 1970-01-01 at the least."""
    day = date.fromordinal(ordinal)
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < _EPOCH.year:
        return _EPOCH_ORDINAL
    first_of_next = date(year + (month0 == 11), (month0 + 1) % 12 + 1, 1).toordinal()
    return min(date(year, month0 + 1, 1).toordinal() + day.day - 1, first_of_next - 1)


def _absolute(found: re.Match[str], days_on: int, zone: ZoneInfo) -> int:
    """The instant of a date or datetime. Raises ValueError where no calendar or clock has such a reading."""
    day = date(int(found[1]), int(found[2]), int(found[3]))
    if day.year < _EPOCH.year:
        raise ValueError(f"the year is before {_EPOCH.year}")
    if found[4] is None:
        return day_start_ms(zone, day.toordinal() + days_on)
    microseconds = int((found[7] or "0")[:6].ljust(6, "0"))
    reading = datetime(day.year, day.month, day.day, int(found[4]), int(found[5]), int(found[6] or 0), microseconds)
    local_ms = (reading - _NAIVE_EPOCH) // _MILLISECOND
    if found[8]:
        return local_ms
    if found[9]:
        ahead = timezone(timedelta(hours=int(found[10]), minutes=int(found[11]))).utcoffset(None)
        if int(found[11]) > 59:
            raise ValueError("the offset's minutes must be in 0..59")
        return local_ms - (-1 if found[9] == "-" else 1) * (ahead // _MILLISECOND)
    return _local_to_ms(zone, local_ms, 0)


# ---- Buckets ----

_label: Final = lru_cache(4096)(iso_ms)
"""Kept, since the same buckets are asked about again and again."""


def buckets(span: DateRange, interval: Interval, zone: ZoneInfo, fault: Fault) -> tuple[Bucket, ...]:
    """The buckets that a range touches, in order; the first may begin before the range does.

    Days, weeks and months begin as `day_start_ms` says; a day that never was has no bucket. An hour is a
    stretch in which the zone's clock shows one hour under one offset: hours begin at local full hours, also
    where the offset has 30 or 45 minutes; the hour that a clock change repeats is two buckets, the one that
    it skips none, and a half hour repeated (Lord Howe) is one of 30 minutes. Errors: `fault` at `interval`
    beyond `BUCKETS_MAX`.
    """
    found: list[Bucket] = []
    # No hour is longer than an hour: what can't fit is refused before it is walked.
    is_too_many = interval is Interval.HOUR and span.to_ms - span.from_ms > limits.BUCKETS_MAX * limits.HOUR_MS
    edges = iter(()) if is_too_many else _edges(span, interval, zone)
    for start_ms in edges:
        if len(found) == limits.BUCKETS_MAX:
            is_too_many = True
            break
        found.append(Bucket(start_ms, _label(start_ms)))
    if is_too_many:
        raise fault("interval", f"expected at most {limits.BUCKETS_MAX:,} buckets, one {interval} each, got more")
    return tuple(found)


def _edges(span: DateRange, interval: Interval, zone: ZoneInfo) -> Iterator[int]:
    """Where the buckets begin, rising, from the last one at or before the range's start to before its end."""
    if interval is Interval.HOUR:
        yield from _hours(span, zone)
        return
    ordinal = _floor(interval, _local_ordinal(zone, span.from_ms))
    if day_start_ms(zone, ordinal) > span.from_ms:  # the calendar shows a day that has not begun for good
        ordinal = _floor(interval, ordinal - 1)
    edge = day_start_ms(zone, ordinal)
    while edge < span.to_ms:
        ordinal = _floor(interval, ordinal + _STRIDE[interval])
        following = day_start_ms(zone, ordinal)
        if following > edge:  # equal where the zone skipped the day whole
            yield edge
        edge = following


def _hours(span: DateRange, zone: ZoneInfo) -> Iterator[int]:
    edge = _hour_start_ms(zone, span.from_ms)
    if zone.utcoffset(None) is not None:  # a clock that was never changed
        yield from range(edge, span.to_ms, limits.HOUR_MS)
        return
    offset = offset_ms(zone, edge)
    while edge < span.to_ms:
        yield edge
        end = edge + limits.HOUR_MS - (edge + offset) % limits.HOUR_MS
        if offset_ms(zone, end) != offset:  # no clock was ever changed and changed back within an hour
            end = _next_hour_ms(zone, edge)
            offset = offset_ms(zone, end)
        edge = end


_STRIDE = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31}
"""Days from a bucket's first day into the next bucket, whatever the month's length."""


def _floor(interval: Interval, ordinal: int) -> int:
    """The first day of the week or month that holds a day. Ordinal 1 is a Monday."""
    if interval is Interval.WEEK:
        return ordinal - (ordinal - 1) % 7
    if interval is Interval.MONTH and ordinal <= _LAST_ORDINAL:  # later ones are no dates any more
        return date.fromordinal(ordinal).replace(day=1).toordinal()
    return ordinal


def _hour_start_ms(zone: ZoneInfo, at_ms: int) -> int:
    offset = offset_ms(zone, at_ms)
    start = at_ms - (at_ms + offset) % limits.HOUR_MS
    if offset_ms(zone, start) == offset:
        return start
    return _first_true(start, at_ms, lambda at: offset_ms(zone, at) == offset)


def _next_hour_ms(zone: ZoneInfo, at_ms: int) -> int:
    offset = offset_ms(zone, at_ms)
    end = at_ms + limits.HOUR_MS - (at_ms + offset) % limits.HOUR_MS
    if offset_ms(zone, end - 1) == offset:
        return end
    return _first_true(at_ms, end - 1, lambda at: offset_ms(zone, at) != offset)
