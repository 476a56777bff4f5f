"""What the log may say about an error: enough to mend it, and no personal data.

Messages of the engine and of Python quote the value that they stumbled over ("Could not convert string 'ann@example.com'"): an event's
content, and so personal data. Our own messages name settings, files and limits only, and the operating system's name files; these are
logged as they are.
"""

import re
import traceback
from typing import Final

from sv.model.errors import SvError

_QUOTES: Final = re.compile(r"[\"'`{\[“]|\S*@|https?://|\n")
"""Where a message may begin to quote a value, or its first line ends."""

_LONG_NUMBER: Final = re.compile(r"\d{6,}")
"""It may be a telephone number."""

MAX_TOLD_CHARS: Final = 300


def redacted(error: BaseException) -> str:
    """The error in one line: our own message and the operating system's as they are, any other's up to where it quotes something."""
    if isinstance(error, SvError):
        return error.message
    if isinstance(error, OSError) and error.errno is not None:
        return str(error)
    return _named(error)


def os_message(error: OSError) -> str:
    """What the operating system says, and of which file, without the error's number: for whoever runs a command."""
    said = error.strerror or str(error)
    return said if error.filename is None else f"{said} ({error.filename})"


def public_message(error: BaseException) -> str:
    """As `redacted`, but without the paths of files: for `/healthz`, which answers anybody."""
    return error.strerror if isinstance(error, OSError) and error.strerror else redacted(error)


def redacted_trace(error: BaseException) -> str:
    """The traceback as Python prints it, causes first, with each message cut as by `redacted`."""
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
    text = str(error) if is_whole else cut_quoted(str(error))
    return f"{name}: {text}" if text else name


def cut_quoted(message: str) -> str:
    """The message up to where it may quote what somebody sent."""
    shown = message[:MAX_TOLD_CHARS]  # cut first: looking for an e-mail address takes time with the square of the length
    found = _QUOTES.search(shown)
    return _LONG_NUMBER.sub("…", shown if found is None else f"{shown[: found.start()]}…")
