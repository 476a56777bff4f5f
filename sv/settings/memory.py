"""How `memory_limit` is shared out, so that the whole process stays below it.

What a process takes before anything is asked of it (its libraries, and Python itself) comes first; the rest is for the engine, for events
that wait, and for what is kept between questions. Assumes that each keeps to its share. Below LEAST_FIRM_BYTES the shares come to the
least that works, and the process may take more than the limit says (400 MiB at a limit of 384, with overviews of 10 million events).
"""

from typing import Final

from sv.model.limits import MAX_BODY_BYTES, MIB

OWN_BYTES: Final = 176 * MIB
"""Of a process that has answered something: 150 MiB were measured, of which the files of libraries are 95; and what the C library's heaps
have of gaps."""

LEAST_FIRM_BYTES: Final = 512 * MIB

MIN_ENGINE_BYTES: Final = 128 * MIB
"""SCAR: with 64 MiB a flush of 16 MiB of large events, and a page of them, ran out of memory again and again."""

_MIN_SHARED_BYTES: Final = 64 * MIB

MAX_BUFFER_BYTES: Final = 1024 * MIB

_ENGINE_SHARE: Final = 0.6
_BUFFER_SHARE: Final = 0.25
_KEPT_SHARE: Final = 0.12


def engine_bytes(memory_limit: int) -> int:
    """For DuckDB, which has the drained events in it too; beyond it queries spill."""
    return max(MIN_ENGINE_BYTES, int(_shared(memory_limit) * _ENGINE_SHARE))


def buffer_bytes(memory_limit: int) -> int:
    """For events that wait to be written; one request of the largest size has to fit."""
    return min(MAX_BUFFER_BYTES, max(MAX_BODY_BYTES, int(_shared(memory_limit) * _BUFFER_SHARE)))


def kept_bytes(memory_limit: int) -> int:
    """For what is kept of funnels' steps between questions."""
    return int(_shared(memory_limit) * _KEPT_SHARE)


def _shared(memory_limit: int) -> int:
    return max(memory_limit - OWN_BYTES, _MIN_SHARED_BYTES)
