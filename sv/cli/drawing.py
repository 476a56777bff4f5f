"""Figures as a terminal shows them: bars, rows of small columns, and numbers for people."""

from collections.abc import Sequence
from typing import Final

COLUMNS: Final = "▁▂▃▄▅▆▇█"


def number(value: float | None) -> str:
    """With thousands; at most two digits after the point, none where there are none; – for null."""
    if value is None:
        return "–"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}"


def count(amount: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * ratio:.1f} %"


def duration(seconds: float | None) -> str:
    """In the largest two units."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds else "0 s"
    for size, name, smaller, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(round(seconds / smaller) * smaller, size)
            return f"{whole:.0f} {name}" + (f" {rest / smaller:.0f} {small}" if rest else "")
    raise AssertionError("more than a minute has one of these units")


def spark(values: Sequence[float | None], width: int) -> tuple[str, int]:
    """At most `width` columns, from 0 to the largest value, and how many neighbouring values each stands for (their mean)."""
    each = max(1, -(-len(values) // max(1, width)))
    chunks = [[value or 0.0 for value in values[start : start + each]] for start in range(0, len(values), each)]
    means = [sum(chunk) / len(chunk) for chunk in chunks]
    top = max(means, default=0.0)
    return "".join(_column(mean, top) for mean in means), each


def _column(value: float, top: float) -> str:
    """Nothing at 0 and below, and at least the least column above it."""
    return " " if value <= 0 else COLUMNS[min(7, int(8 * value / top))]
