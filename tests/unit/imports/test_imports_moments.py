"""Points in time as files write them."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sv.imports.moments import MIN_ALIKE, all_to_ms, as_list, in_zone, to_ms

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1995-08-01T06:00:00Z", 807_256_800_000),
        ("1995-08-01 06:00:00", 807_256_800_000),
        ("1995-08-01 06:00:00 UTC", 807_256_800_000),
        ("1995-08-01 06:00:00.123456 UTC", 807_256_800_123),
        ("1995-08-01 08:00:00+02", 807_256_800_000),
        ("1995-08-01T08:00:00+02:00", 807_256_800_000),
        ("1995-08-01", 807_235_200_000),
        ("19950801", 807_235_200_000),
        (" 807256800000 ", 807_256_800_000),
        ("807256800000.9", 807_256_800_000),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_a_text_is_iso_8601_or_milliseconds(text: str, ms: int) -> None:
    assert to_ms(text, UTC) == ms


@pytest.mark.parametrize(
    "value", ["", "yesterday", "01/02/2024", "12345", "2024-13-01", "9" * 30, "²³²³²³²³²³", 5, 5.5, None, [], True]
)
def test_what_is_no_such_text_stays_as_it_is(value: Any) -> None:
    assert to_ms(value, UTC) is value


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2024-01-15T12:00:00", BERLIN, "2024-01-15T11:00:00"),
        ("2024-07-15T12:00:00", BERLIN, "2024-07-15T10:00:00"),
        ("2024-07-15T12:00:00Z", BERLIN, "2024-07-15T12:00:00"),
        ("2024-07-15", KATHMANDU, "2024-07-14T18:15:00"),
        ("2024-10-27T02:30:00", BERLIN, "2024-10-27T00:30:00"),  # the clock shows it twice
        ("2024-03-31T02:30:00", BERLIN, "2024-03-31T01:30:00"),  # and this not at all
    ],
)
def test_a_time_without_an_offset_is_of_the_zone_named(text: str, zone: ZoneInfo, utc: str) -> None:
    expected = to_ms(utc, UTC)
    assert to_ms(text, zone) == expected
    if not text.endswith("Z"):
        assert in_zone(to_ms(text, UTC), zone) == expected


@pytest.mark.parametrize("ms", [2**62, -(2**62), 10**15, -(10**15)])
def test_a_time_beyond_the_calendar_stays_for_the_rules_of_ingest(ms: int) -> None:
    assert in_zone(ms, BERLIN) == ms


ALIKE = ["2026-01-31T23:59:59.999Z", "1969-12-31T00:00:00.000Z", "2024-02-29T12:30:45.001Z", "9999-12-31T23:59:59.000Z"]
ODD: list[Any] = [
    "2026-02-30T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T23:60:00.000Z", "2026-01-01T23:59:60.000Z", "0000-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.00Z", "2026-01-01 00:00:00.000Z", "2026-01-01T00:00:00.000z", "2026-01-01T00:00:00,000Z", "2026-01-01T00:00:00.0000",
    "２026-01-01T00:00:00.000Z", "1767225600000", "", None, 1, 1.5, ["2026"], True,
]  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("length", [20, 24])
@pytest.mark.parametrize("odd", [..., *ODD], ids=repr)
def test_times_that_are_taken_apart_together_are_what_each_is_by_itself(zone: str, length: int, odd: Any) -> None:
    times: list[Any] = [text if length == 24 else text[:19] + "Z" for text in ALIKE * MIN_ALIKE]
    if odd is not ...:
        times[MIN_ALIKE] = odd
    assert as_list(all_to_ms(times, ZoneInfo(zone))) == [to_ms(time, ZoneInfo(zone)) for time in times]


def test_texts_whose_lengths_only_add_up_are_not_taken_apart_together() -> None:
    times = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000", "Z2026-01-01T00:00:00.000Z"] * MIN_ALIKE
    assert as_list(all_to_ms(times, ZoneInfo("Europe/Berlin"))) == [to_ms(time, ZoneInfo("Europe/Berlin")) for time in times]
