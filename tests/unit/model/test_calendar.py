"""Dates and buckets, against a walk that looks at the zone's clock minute by minute."""

import io
import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from sv.model import limits
from sv.model.calendar import (
    ALL_TIME,
    DateRange,
    Interval,
    buckets,
    day_start_ms,
    iso_ms,
    parse_insight_range,
    parse_list_range,
    parse_timezone,
    show_moment,
)
from sv.model.errors import InvalidParameter, ValidationFailed

MINUTE = limits.MINUTE_MS
HOUR = limits.HOUR_MS


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def parameter(field: str, message: str) -> InvalidParameter:
    return InvalidParameter(f"{field}: {message}")


def local(zone: ZoneInfo, at: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(zone)


def walked(span: DateRange, interval: Interval, zone: ZoneInfo) -> list[int]:
    """Every bucket start in the range and a little before, found by looking at the clock at each minute.

    Days, weeks, months: where the calendar shows an earlier one for the last time. Hours: where the
    shown hour or the offset changes.
    """
    shown: list[tuple[int, tuple[object, ...]]] = []
    before_days = {Interval.HOUR: 1, Interval.DAY: 3, Interval.WEEK: 9, Interval.MONTH: 33}[interval]
    for at in range(span.from_ms - before_days * 24 * HOUR, span.to_ms, MINUTE):
        clock = local(zone, at)
        day = clock.date()
        key: tuple[object, ...]
        if interval is Interval.HOUR:
            key = (day, clock.hour, clock.utcoffset())
        elif interval is Interval.DAY:
            key = (day,)
        elif interval is Interval.WEEK:
            key = (day - timedelta(days=day.weekday()),)
        else:
            key = (day.year, day.month)
        shown.append((at, key))
    if interval is Interval.HOUR:
        return [at for (_, before), (at, key) in pairwise(shown) if key != before]
    starts: list[int] = []
    least = shown[-1][1]
    for (at, key), (_, before) in zip(reversed(shown), reversed(shown[:-1]), strict=False):
        least = min(least, key)  # type: ignore[type-var]
        if before < least:  # type: ignore[operator]
            starts.append(at)
    return starts[::-1]


CHANGES = [
    ("Europe/Berlin", "2025-03-28", "2025-04-02"),
    ("Europe/Berlin", "2025-10-24", "2025-10-29"),
    ("Asia/Kathmandu", "2025-01-30", "2025-02-03"),
    ("Asia/Kathmandu", "1985-12-30", "1986-01-03"),  # +05:30 to +05:45 at midnight
    ("Australia/Lord_Howe", "2025-04-04", "2025-04-08"),  # back by half an hour
    ("Australia/Lord_Howe", "2025-10-03", "2025-10-07"),
    ("America/New_York", "2025-03-08", "2025-03-11"),
    ("America/New_York", "2025-11-01", "2025-11-04"),
    ("Pacific/Apia", "2011-12-28", "2012-01-02"),  # no 30 December
    ("America/Sao_Paulo", "2018-11-02", "2018-11-06"),  # midnight skipped
    ("America/Sao_Paulo", "2018-02-16", "2018-02-20"),  # back from midnight into the day before
    ("America/St_Johns", "2009-10-31", "2009-11-03"),  # back at 00:01 to 23:01
    ("America/St_Johns", "2009-03-07", "2009-03-10"),
    ("America/Havana", "2024-11-02", "2024-11-05"),  # the day's own first hour twice
    ("America/Havana", "2024-03-09", "2024-03-12"),
    ("Asia/Pyongyang", "2018-05-03", "2018-05-07"),  # forward half an hour, 23:30 to midnight
    ("Africa/Monrovia", "1972-01-05", "1972-01-09"),  # an offset of 44 minutes and 30 seconds
    ("UTC", "2024-02-27", "2024-03-02"),
]


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize(("name", "first", "last"), CHANGES)
def test_buckets_begin_where_a_walk_over_the_clock_sees_them_begin(name: str, first: str, last: str, interval: Interval) -> None:
    zone = ZoneInfo(name)
    step = 1 if name != "Africa/Monrovia" else 30
    span = DateRange(ms(first) + 7 * HOUR, ms(last) + 5 * HOUR)
    found = [b.start_ms for b in buckets(span, interval, zone, ValidationFailed.at)]
    seen = walked(span, interval, zone)
    if step != 1:  # the walk sees such a start at the next whole minute
        found = [-(-at // MINUTE) * MINUTE for at in found]
    assert found[1:] == [at for at in seen if at > span.from_ms]
    assert found[0] == max(at for at in seen if at <= span.from_ms)


def zone_of(rule: str) -> ZoneInfo:
    """A zone that follows a POSIX rule alone, as a TZif file of version 2 states it."""
    empty = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"STD\x00"
    return ZoneInfo.from_file(io.BytesIO(empty * 2 + f"\n{rule}\n".encode()), key="Test/Rule")


@pytest.mark.parametrize("interval", list(Interval))
def test_a_clock_change_that_skips_midnight_halfway_begins_the_day(interval: Interval) -> None:
    zone = zone_of("STD0DST,M3.2.0/23:30,M11.1.0/1")  # forward from 23:30 to 00:30, which no zone does so far
    change = ms("2025-03-09T23:30")
    assert local(zone, change).isoformat() == "2025-03-10T00:30:00+01:00"
    span = DateRange(ms("2025-03-08T05:00"), ms("2025-03-12"))
    found = [b.start_ms for b in buckets(span, interval, zone, ValidationFailed.at)]
    assert found[1:] == [at for at in walked(span, interval, zone) if at > span.from_ms]
    assert interval in (Interval.WEEK, Interval.MONTH) or change in found


def test_a_range_may_begin_in_a_half_hour_that_the_clock_repeats() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    change = ms("2025-04-05T15:00")
    assert local(zone, change).isoformat() == "2025-04-06T01:30:00+10:30"
    span = DateRange(change + 10 * MINUTE, change + 31 * MINUTE)
    starts = [b.start_ms for b in buckets(span, Interval.HOUR, zone, ValidationFailed.at)]
    assert starts == [change, change + 30 * MINUTE]


def test_a_range_may_begin_in_the_minute_of_a_day_that_has_not_begun_for_good() -> None:
    zone = ZoneInfo("America/St_Johns")
    odd = ms("2009-11-01T02:30:30")
    assert local(zone, odd).isoformat() == "2009-11-01T00:00:30-02:30"
    starts = [b.label for b in buckets(DateRange(odd, odd + 24 * HOUR), Interval.DAY, zone, ValidationFailed.at)]
    assert starts == ["2009-10-31T02:30:00.000Z", "2009-11-01T03:30:00.000Z"]


@pytest.mark.parametrize("interval", list(Interval))
def test_a_bucket_that_begins_with_the_range_is_the_first_and_one_that_begins_at_its_end_is_not_there(
    interval: Interval,
) -> None:
    starts = [b.start_ms for b in buckets(ALL_2024, interval, ZoneInfo("Europe/Berlin"), ValidationFailed.at)]
    inner = [
        b.start_ms for b in buckets(DateRange(starts[3], starts[9]), interval, ZoneInfo("Europe/Berlin"), ValidationFailed.at)
    ]
    assert inner == starts[3:9]


ALL_2024 = DateRange(ms("2023-12-31T23:00"), ms("2024-12-31T23:00"))


def test_a_year_in_berlin_has_12_months_53_weeks_366_days_and_8784_hours() -> None:
    counts = {i.value: len(buckets(ALL_2024, i, ZoneInfo("Europe/Berlin"), ValidationFailed.at)) for i in Interval}
    assert counts == {"hour": 8784, "day": 366, "week": 53, "month": 12}


def test_labels_are_the_starts_in_utc_with_milliseconds() -> None:
    found = buckets(
        DateRange(ms("2025-03-29T23:00"), ms("2025-03-31T22:00")),
        Interval.DAY,
        ZoneInfo("Europe/Berlin"),
        ValidationFailed.at,
    )
    assert [b.label for b in found] == ["2025-03-29T23:00:00.000Z", "2025-03-30T22:00:00.000Z"]


def test_the_day_that_apia_skipped_has_no_bucket() -> None:
    zone = ZoneInfo("Pacific/Apia")
    span = DateRange(ms("2011-12-29T10:00"), ms("2012-01-01T10:00"))
    days = [local(zone, b.start_ms).date().isoformat() for b in buckets(span, Interval.DAY, zone, ValidationFailed.at)]
    assert days == ["2011-12-29", "2011-12-31", "2012-01-01"]


def test_more_than_ten_thousand_buckets_are_refused_and_ten_thousand_are_not() -> None:
    zone = ZoneInfo("UTC")
    start = ms("2020-01-01")
    for interval, width in ((Interval.HOUR, HOUR), (Interval.DAY, 24 * HOUR)):
        span = DateRange(start, start + limits.BUCKETS_MAX * width)
        assert len(buckets(span, interval, zone, ValidationFailed.at)) == limits.BUCKETS_MAX
        with pytest.raises(ValidationFailed, match="interval: expected at most 10,000 buckets"):
            buckets(DateRange(start, span.to_ms + 1), interval, zone, ValidationFailed.at)
    with pytest.raises(ValidationFailed):
        buckets(ALL_TIME, Interval.WEEK, zone, ValidationFailed.at)


def test_all_of_time_has_months_up_to_the_last() -> None:
    span = DateRange(ms("9600-01-01"), ALL_TIME.to_ms)
    found = buckets(span, Interval.MONTH, ZoneInfo("Pacific/Kiritimati"), ValidationFailed.at)
    assert len(found) == 400 * 12
    assert found[-1].label == "9999-11-30T10:00:00.000Z"


# ---- date_from and date_to ----

NOW = ms("2025-03-31T10:20:30.456")  # 12:20 in Berlin, the day after its clocks went forward

FROM_AND_TO = [
    ("2025-01-31", "Europe/Berlin", "2025-01-30T23:00", "2025-01-31T23:00"),
    ("2025-03-30", "Europe/Berlin", "2025-03-29T23:00", "2025-03-30T22:00"),
    ("2025-10-26", "Europe/Berlin", "2025-10-25T22:00", "2025-10-26T23:00"),
    ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00", "2018-11-05T02:00"),
    ("2024-02-29", "UTC", "2024-02-29T00:00", "2024-03-01T00:00"),
    ("2025-01-31T12:00", "Asia/Kathmandu", "2025-01-31T06:15", "2025-01-31T06:15"),
    ("2025-01-31 12:00:01", "Europe/Berlin", "2025-01-31T11:00:01", "2025-01-31T11:00:01"),
    ("2025-01-31T12:00:00.1239", "UTC", "2025-01-31T12:00:00.123", "2025-01-31T12:00:00.123"),
    ("2025-01-31T12:00:00Z", "Europe/Berlin", "2025-01-31T12:00", "2025-01-31T12:00"),
    ("2025-01-31t12:00:00.5z", "Europe/Berlin", "2025-01-31T12:00:00.5", "2025-01-31T12:00:00.5"),
    ("2025-01-31T12:00+05:45", "UTC", "2025-01-31T06:15", "2025-01-31T06:15"),
    ("2025-01-31T12:00:00 02:00", "UTC", "2025-01-31T10:00", "2025-01-31T10:00"),
    ("2025-01-31T12:00-0330", "UTC", "2025-01-31T15:30", "2025-01-31T15:30"),
    ("2025-03-30T02:30", "Europe/Berlin", "2025-03-30T01:30", "2025-03-30T01:30"),  # skipped: 03:30
    ("2025-10-26T02:30", "Europe/Berlin", "2025-10-26T00:30", "2025-10-26T00:30"),  # twice: the first
    ("-0d", "Europe/Berlin", "2025-03-30T22:00", "2025-03-31T22:00"),
    ("-1d", "Europe/Berlin", "2025-03-29T23:00", "2025-03-30T22:00"),
    ("-7d", "Europe/Berlin", "2025-03-23T23:00", "2025-03-24T23:00"),
    ("-2w", "Europe/Berlin", "2025-03-16T23:00", "2025-03-17T23:00"),
    ("-1mo", "Europe/Berlin", "2025-02-27T23:00", "2025-02-28T23:00"),  # the 31st of February is the 28th
    ("-13mo", "UTC", "2024-02-29T00:00", "2024-03-01T00:00"),
    ("-1y", "UTC", "2024-03-31T00:00", "2024-04-01T00:00"),
    ("-1d", "Pacific/Kiritimati", "2025-03-30T10:00", "2025-03-31T10:00"),
    ("-24h", "Europe/Berlin", "2025-03-30T10:20:30.456", "2025-03-30T10:20:30.456"),
    ("-30min", "Europe/Berlin", "2025-03-31T09:50:30.456", "2025-03-31T09:50:30.456"),
    ("-99999d", "UTC", "1970-01-01", "1970-01-02"),
    ("-99999y", "UTC", "1970-01-01", "1970-01-02"),
    ("1970-01-01", "UTC", "1970-01-01", "1970-01-02"),
]


@pytest.mark.parametrize(("text", "name", "start", "end"), FROM_AND_TO)
def test_a_date_as_date_from_and_as_date_to(text: str, name: str, start: str, end: str) -> None:
    zone = ZoneInfo(name)
    found = parse_list_range(text, None, zone=zone, now_ms=NOW, fault=parameter)
    assert found == DateRange(ms(start), ALL_TIME.to_ms)
    found = parse_list_range(None, text, zone=zone, now_ms=NOW, fault=parameter)
    assert found == DateRange(0, ms(end))


BAD_DATES: list[object] = [
    "",
    " ",
    "now",
    "today",
    "all",
    "2025",
    "2025-1-1",
    "2025-02-29",
    "2025-13-01",
    "2025-00-10",
    "0000-01-01",
    "1969-12-31",
    "20250131",
    "2025-W05-5",
    "2025-01-31T",
    "2025-01-31T24:00",
    "2025-01-31T12",
    "2025-01-31T12:60",
    "2025-01-31T23:59:60",
    "2025-01-31T12:00:00.",
    "2025-01-31T12:00:00.1234567890",
    "2025-01-31T12:00+24:00",
    "2025-01-31T12:00+01:60",
    "2025-01-31T12:00+1",
    "2025-01-31Z",
    "2025-01-31\n",
    "2025-01-31; drop table events",
    "٢٠٢٥-٠١-٣١",
    "-7",
    "7d",
    "+7d",
    "--7d",
    "-7D",
    "-7.5d",
    "-3m",
    "-7days",
    "-1e9d",
    "-100001d",
    "-9999999999d",
    "-٧d",
    "\x00",
    "x" * 5000,
    "9" * 5000,
    0,
    1738281600000,
    1.5,
    True,
    [],
    ["2025-01-31"],
    {},
    {"$gt": ""},
]


@pytest.mark.parametrize("field", ["date_from", "date_to"])
@pytest.mark.parametrize("value", BAD_DATES, ids=lambda v: repr(v)[:40])
def test_anything_else_is_refused_by_the_fields_name_and_a_bounded_message(value: object, field: str) -> None:
    words = {"date_from": None, "date_to": None} | {field: value}
    with pytest.raises(InvalidParameter, match=rf"^{field}: expected ") as caught:
        parse_list_range(**words, zone=ZoneInfo("UTC"), now_ms=NOW, fault=parameter)
    assert len(caught.value.message) < 500
    assert "\x00" not in caught.value.message


@pytest.mark.parametrize(
    ("date_from", "date_to", "field"),
    [
        ("2025-02-01", "2025-01-31", "date_to"),
        ("2025-01-31T12:00Z", "2025-01-31T12:00Z", "date_to"),
        ("2025-01-31T12:00:00.001Z", "2025-01-31T12:00Z", "date_to"),
        ("-1d", "-2d", "date_to"),
        ("9999-12-31", None, "date_from"),
        ("9999-12-31T23:59:59.999Z", None, "date_from"),
        (None, "1970-01-01T00:00+14:00", "date_to"),
        ("9999-12-31T23:59-12:00", "9999-12-31T23:59-12:00", "date_to"),
    ],
)
def test_an_empty_range_is_refused(date_from: str | None, date_to: str | None, field: str) -> None:
    with pytest.raises(ValidationFailed, match=rf"^{field}: expected date_from before date_to") as caught:
        parse_list_range(date_from, date_to, zone=ZoneInfo("UTC"), now_ms=NOW, fault=ValidationFailed.at)
    assert [d.field for d in caught.value.details] == [field]


def test_the_day_that_apia_skipped_is_an_empty_range() -> None:
    with pytest.raises(InvalidParameter, match="empty range"):
        parse_list_range("2011-12-30", "2011-12-30", zone=ZoneInfo("Pacific/Apia"), now_ms=NOW, fault=parameter)


def test_a_list_without_dates_is_all_of_time() -> None:
    assert parse_list_range(None, None, zone=ZoneInfo("UTC"), now_ms=NOW, fault=parameter) == ALL_TIME


@pytest.mark.parametrize("text", ["9999-12-30", "9999-12-31"])
@pytest.mark.parametrize("name", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])
def test_the_end_of_the_calendar_is_an_end_like_any_other(text: str, name: str) -> None:
    found = parse_list_range(None, text, zone=ZoneInfo(name), now_ms=NOW, fault=parameter)
    assert found.to_ms == ALL_TIME.to_ms


INSIGHT = [
    (None, None, None, "2025-02-28T23:00", "2025-03-31T22:00"),
    (None, None, Interval.DAY, "2025-02-28T23:00", "2025-03-31T22:00"),
    (None, None, Interval.HOUR, "2025-02-28T23:00", "2025-03-31T11:00"),
    ("-24h", None, Interval.HOUR, "2025-03-30T10:20:30.456", "2025-03-31T11:00"),
    (None, "2025-01-31", Interval.DAY, "2024-12-31T23:00", "2025-01-31T23:00"),
    ("-7d", "-1d", Interval.WEEK, "2025-03-23T23:00", "2025-03-30T22:00"),
]


@pytest.mark.parametrize(("date_from", "date_to", "interval", "start", "end"), INSIGHT)
def test_an_insight_covers_thirty_days_before_its_last_one_unless_told(
    date_from: str | None, date_to: str | None, interval: Interval | None, start: str, end: str
) -> None:
    found = parse_insight_range(
        date_from,
        date_to,
        zone=ZoneInfo("Europe/Berlin"),
        now_ms=NOW,
        interval=interval,
        fault=ValidationFailed.at,
    )
    assert found == DateRange(ms(start), ms(end))


def test_an_insight_that_begins_after_its_end_is_refused_by_the_date_that_was_given() -> None:
    with pytest.raises(ValidationFailed, match=r"^date_from: .*2025-04-01T00:00:00\.000Z$"):
        parse_insight_range(
            "2025-04-02",
            None,
            zone=ZoneInfo("UTC"),
            now_ms=NOW,
            interval=Interval.DAY,
            fault=ValidationFailed.at,
        )


# ---- Timezones ----


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"]
)
def test_an_iana_name_is_a_timezone(name: str) -> None:
    assert parse_timezone(name, "timezone", parameter).key == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "UTC ",
        "Europe",
        "Europe/",
        "/Europe/Berlin",
        "/etc/passwd",
        "../../etc/passwd",
        "Europe/../UTC",
        "..",
        ".",
        "localtime",
        "posixrules",
        "Factory",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "leapseconds",
        "tzdata.zi",
        "zone.tab",
        "__init__",
        "Mars/Olympus_Mons",
        "Europe/Berlin\n",
        "Europe/Berlin\x00",
        "\ud800",
        "🤡",
        "a" * 5000,
        "A/" * 40 + "B",
        "+02:00",
        "' or 1=1 --",
        None,
        0,
        True,
        [],
        {},
    ],
    ids=lambda v: repr(v)[:30],
)
def test_no_other_name_is_a_timezone(name: object) -> None:
    with pytest.raises(InvalidParameter, match=r"^timezone: expected an IANA timezone") as caught:
        parse_timezone(name, "timezone", parameter)
    caught.value.message.encode()
    assert len(caught.value.message) < 300


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert iso_ms(0) == "1970-01-01T00:00:00.000Z"
    assert iso_ms(1738324800123) == "2025-01-31T12:00:00.123Z"
    assert iso_ms(ALL_TIME.to_ms) == "9999-12-31T23:59:59.999Z"


def test_a_day_begins_at_the_end_of_time_once_the_calendar_is_over() -> None:
    assert day_start_ms(ZoneInfo("UTC"), 10**9) == ALL_TIME.to_ms


def test_a_number_is_shown_with_the_instant_that_it_means() -> None:
    assert show_moment(4_102_444_800_000, 4_102_444_800_000) == "4102444800000, which is 2100-01-01T00:00:00.000Z"
    assert show_moment(4_102_444_800_000.5, 4_102_444_800_000).endswith(", which is 2100-01-01T00:00:00.000Z")
    assert show_moment("2100-01-01", 4_102_444_800_000) == '"2100-01-01"'
    assert show_moment(10**18, 10**18) == "1000000000000000000"
