"""Which events of a project are to leave the disk."""

from msgspec import Struct


class Unwanted(Struct, frozen=True):
    """Those of these persons, by their numbers, and those whose own time is before a moment (Unix milliseconds)."""

    persons: tuple[int, ...] = ()
    before_ms: int = 0
