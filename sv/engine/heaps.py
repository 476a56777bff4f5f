"""Bounds the memory that the C library's allocator, and Arrow's, keep after threads have freed it."""

import contextlib
import ctypes
import os
import sys
from typing import Final

ARENAS: Final = 2
"""Heaps of glibc, in the place of eight a core: each keeps the most that its threads have ever held at once."""

OWN_BYTES: Final = 4 << 20
"""What is larger never lies in a heap, and leaves memory with who held it. glibc by itself moves that border up to 32 MiB, with what it has
seen: a funnel's keys then lie in heaps, and what is small and stays keeps what lay beneath it."""

SPARE_BYTES: Final = 8 << 20
"""What a heap keeps at its end for the next who asks. A question's arrays of some hundred thousand numbers come and go there: with glibc's
own 128 KiB they were given back and asked for anew, page by page, a fifth of the processor time of a funnel asked again."""

ARROW_POOL: Final = "ARROW_DEFAULT_MEMORY_POOL"

_M_ARENA_MAX: Final = -8
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def bound_heaps() -> None:
    """Have threads that begin from now on share a few heaps, and what is large stay out of them. Nothing where the C library isn't glibc.

    15 minutes of mixed load (tests/load/mixed_hour.py) took 306 MB with few heaps, and 339 without.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_ARENA_MAX, ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, OWN_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, SPARE_BYTES)


def share_heaps_with_arrow() -> None:
    """Have Arrow take its memory there too, where it isn't imported yet and nobody chose otherwise.

    Its own allocator has a heap for each thread that ever used it: of a server it had 66 MiB after ten minutes of insights and lists, none
    of them in use. It is quicker: for a command that does little else, and ends, it is the one to have.
    """
    if sys.platform == "linux":
        os.environ.setdefault(ARROW_POOL, "system")
