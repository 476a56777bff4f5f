"""Which of a project's events are to be removed from the disk."""

from msgspec import Struct


class Unwanted(Struct, frozen=True):
    """The events of these persons, by their numbers, and those whose own time is before a moment (Unix milliseconds)."""

    persons: tuple[int, ...] = ()
    before_ms: int = 0
