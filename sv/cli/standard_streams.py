"""Opens standard input, output and error where the parent process has closed them. Imports nothing: every command runs this."""

import os
import sys


def fill_closed() -> None:
    """Open the closed ones to /dev/null. SCAR: otherwise the data folder's lock or the listening socket became descriptor 2, standard
    error, into which libraries write; and a server whose output was closed died when it wanted to say that it is ready."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def text_given(content: bytes) -> str:
    """What standard input gave. Raises InvalidParameter where that isn't UTF-8, as all texts are, whatever the system's encoding is."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        from sv.model.errors import InvalidParameter

        raise InvalidParameter(f"standard input: expected UTF-8, got the byte {content[error.start]:#x}") from None
