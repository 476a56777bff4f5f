"""Figures as a terminal shows them."""

import io
import re
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from sv.cli.drawing import count, duration, number, percent, spark
from sv.cli.progress import Narrator
from sv.cli.terminal import bar_table, shown


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


def drawn(width: int) -> list[str]:
    out = Console(width=width, force_terminal=False)
    rows: list[list[str | tuple[float, float]]] = [
        ["1", "購入 and more", (4, 4), "4 persons", "100.0 %", ""],
        ["2", "buy", (2, 4), "2", "50.0 %", "50.0 % of step 1, median 3 min"],
    ]
    with out.capture() as found:
        out.print(bar_table(out.width, "rlbrrl", rows), soft_wrap=True)
    return [line.rstrip() for line in found.get().splitlines()]


def test_bars_are_what_a_narrow_terminal_has_less_of_and_figures_stay_whole() -> None:
    first, second = drawn(200)
    assert ("█" * 40 in first, "█" * 41 in first, "█" * 20 in second, "█" * 21 in second) == (True, False, True, False)
    for width in (110, 80, 70, 60, 45):
        first, second = drawn(width)
        assert max(cell_len(line) for line in (first, second)) <= width
        assert first.startswith("1  購入")
        assert first.endswith("  4 persons  100.0 %")
        assert second.startswith("2  buy")
        assert " 2   50.0 %  50.0 %" in second
        assert ("█" in first, second.endswith("median 3 min")) == (width >= 80, width >= 70)


@pytest.mark.parametrize(
    ("width", "name"), [(40, "….ndjson"), (80, "…nts-2023-11-15.ndjson"), (200, "/folder/events-2023-11-15.ndjson")]
)
def test_a_bar_shows_how_far_it_is_beside_a_name_of_any_length(monkeypatch: pytest.MonkeyPatch, width: int, name: str) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    narrator = Narrator()
    with narrator.watching("/a/long/folder" * 5 + "/events-2023-11-15.ndjson"):
        narrator.tell(0.5, 1.0, "700,000 rows", "")
        drawn = Console(file=io.StringIO(), width=width)
        assert narrator._progress is not None  # pyright: ignore[reportPrivateUsage]
        drawn.print(narrator._progress.get_renderable())  # pyright: ignore[reportPrivateUsage]
    assert isinstance(drawn.file, io.StringIO)
    assert re.fullmatch(rf"\S*{re.escape(name)} ━+╸? +50% 700,000 rows -:--:--\n", drawn.file.getvalue()), drawn.file.getvalue()
