"""What the log may say of an error: enough to mend it, and nothing of anybody's.

Messages of the engine and of Python quote what they stumbled over ("Could not convert string 'ann@example.com'"): an event's content, and
so personal data. Ours name settings, files and limits, and the operating system's name files; they are told whole.
"""

import re
import traceback
from typing import Final

from sv.model.errors import SvError

_QUOTES: Final = re.compile(r"[\"'`{\[“]|\S*@|https?://|\n")
"""Where a message may begin to quote, or ends its first line."""

_LONG_NUMBER: Final = re.compile(r"\d{6,}")
"""A telephone number, for all we know."""

MAX_TOLD_CHARS: Final = 300


def told(error: BaseException) -> str:
    """One line: our own message and the operating system's as they are, any other's up to what it quotes."""
    if isinstance(error, SvError):
        return error.message
    if isinstance(error, OSError) and error.errno is not None:
        return str(error)
    return _named(error)


def in_words(error: OSError) -> str:
    """What the operating system says, and of which file, without its number: for whoever runs a command."""
    said = error.strerror or str(error)
    return said if error.filename is None else f"{said} ({error.filename})"


def told_in_public(error: BaseException) -> str:
    """As `told`, for `/healthz`, which answers anybody: without the paths of files."""
    return error.strerror if isinstance(error, OSError) and error.strerror else told(error)


def told_with_trace(error: BaseException) -> str:
    """As Python prints an exception, causes first, with each message as `told` has it."""
    shown: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        shown.append(f"Traceback (most recent call last):\n{frames}{_named(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\nwhich led to\n\n".join(reversed(shown))


def _named(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    is_whole = isinstance(error, SvError) or (isinstance(error, OSError) and error.errno is not None)
    text = str(error) if is_whole else cut(str(error))
    return f"{name}: {text}" if text else name


def cut(message: str) -> str:
    """The message up to where it may quote what somebody sent."""
    shown = message[:MAX_TOLD_CHARS]  # first, since looking for an address takes the square of the length
    found = _QUOTES.search(shown)
    return _LONG_NUMBER.sub("…", shown if found is None else f"{shown[: found.start()]}…")
