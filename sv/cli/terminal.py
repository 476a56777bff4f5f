"""What commands print for people: colours on a terminal only, and nothing that somebody sent acting on it.

Assumes a terminal or a pipe on standard output. `NO_COLOR` is heeded. Texts of events (names, ids, values) come from whoever holds a public
token, so control characters, which could move the cursor or rename the window, are shown and never written.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TextIO

from sv.model.command_limits import MAX_TOLD_CHARS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

BAR_CHARS: Final = 40
LEAST_BAR_CHARS: Final = 5
GAP_CHARS: Final = 2


def console(stream: TextIO | None = None) -> "Console":
    """Standard output, or the stream, as wide as the terminal; a pipe gets lines of any length and no colour."""
    from rich.console import Console

    is_terminal = (stream or sys.stdout).isatty()
    return Console(
        file=stream,
        force_terminal=is_terminal,  # not by FORCE_COLOR: what a pipe gets is read by programs
        width=None if is_terminal else 10_000,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def bold(text: str) -> str:
    """Without rich, which an idle server has no other use for."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def shown(text: str, most: int = MAX_TOLD_CHARS) -> str:
    """On one line, at most so many characters of it, with what is not printable as its escape."""
    cut = text[:most]
    visible = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in cut)
    return visible if len(cut) == len(text) else f"{visible}…"


def line(*pieces: "str | tuple[str, str]") -> "Text":
    """A line of pieces, each plain or with a style."""
    from rich.text import Text

    return Text.assemble(*pieces)


def bar_table(width: int, columns: str, rows: Sequence[Sequence[str | tuple[float, float]]]) -> "Table":
    """A table that fits: bars get shorter first, then they go, then texts on the left are cut. Figures stay whole.

    columns: a letter for each: l and r, as texts are aligned, or b, a bar's (size, of how much).
    """
    from rich.bar import Bar
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    texts = sum(max(cell_len(cell) if isinstance(cell, str) else 0 for cell in column) for column in zip(*rows, strict=True))
    room = min(BAR_CHARS, width - texts - GAP_CHARS * (len(columns) - 1))
    table = Table.grid(padding=(0, GAP_CHARS))
    for column in columns:
        if column != "b" or room >= LEAST_BAR_CHARS:
            table.add_column(justify="right" if column == "r" else "left", no_wrap=column != "l")
    for row in rows:
        cells: list[Bar | Text] = []
        for cell in row:
            if isinstance(cell, str):
                cells.append(Text(cell, no_wrap=True, overflow="ellipsis"))
            elif room >= LEAST_BAR_CHARS:
                cells.append(Bar(cell[1], 0, cell[0], width=room, color="cyan"))
        table.add_row(*cells)
    return table
