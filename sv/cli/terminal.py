"""What commands print for people: colours on a terminal only, and nothing that somebody sent acting on it.

Assumes a terminal or a pipe on standard output. `NO_COLOR` is heeded. Texts of events (names, ids, values) come from whoever holds a public
token, so control characters, which could move the cursor or rename the window, are shown and never written.
"""

import os
import sys
from typing import TYPE_CHECKING

from sv.model.command_limits import MAX_TOLD_CHARS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def console() -> "Console":
    """Standard output, as wide as the terminal; a pipe gets lines of any length and no colour."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    return Console(
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
