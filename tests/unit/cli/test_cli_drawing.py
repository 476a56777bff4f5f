"""Figures as a terminal shows them."""

import pytest

from sv.cli.drawing import count, duration, number, percent, spark
from sv.cli.terminal import shown


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1544, "1,544"), (1234567.0, "1,234,567"), (0.5, "0.50"), (1234.567, "1,234.57"), (None, "–")]
)
def test_numbers_have_thousands_and_two_digits_at_most(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (0, "0 s"), (0.25, "0.25 s"), (59, "59 s"), (60, "1 min"), (221.5, "3 min 42 s"), (3600, "1 h"), (5400, "1 h 30 min"),
        (86_400, "1 d"), (100_000, "1 d 4 h"), (31_536_000, "365 d"),
    ],
)  # fmt: skip
def test_durations_are_in_two_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_one_thing_is_singular() -> None:
    assert [count(amount, "event") for amount in (0, 1, 2, 1544)] == ["0 events", "1 event", "2 events", "1,544 events"]


def test_a_ratio_without_a_denominator_is_no_percentage() -> None:
    assert (percent(None), percent(0.2357), percent(1)) == ("–", "23.6 %", "100.0 %")


def test_columns_stand_for_values_and_their_means_where_there_are_too_many() -> None:
    assert spark([0, 1, 4, 8, None, -3], 10) == (" ▂▅█  ", 1)
    assert spark([1, 1, 3, 5, 8, 8, 4], 4) == ("▂▅█▅", 2)
    assert spark([0, 0], 10) == ("  ", 1)
    assert spark([], 10) == ("", 1)


def test_what_somebody_sent_is_one_line_that_no_terminal_acts_on() -> None:
    assert shown("a\x1b[2Jb\r\nc\x07\u202ed\u0085") == "a\\x1b[2Jb\\r\\nc\\x07\\u202ed\\x85"
    assert shown("é „ü“ 漢") == "é „ü“ 漢"
    assert shown("x" * 500) == "x" * 100 + "…"
