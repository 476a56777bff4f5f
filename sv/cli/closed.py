"""Standard input, output and error, where whoever started us has closed them. Imports nothing: every command comes by here."""

import os
import sys


def fill_closed() -> None:
    """Have them open, to nothing. SCAR: a data folder's lock or the listening socket was standard error else, into which libraries write;
    and a server whose output was closed ended as it was about to say that it is ready."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
