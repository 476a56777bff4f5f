"""Where chunks go."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from sv.imports.chunks import Chunk, ChunkSize, Rejected


class Outcome(Struct, frozen=True):
    """What became of a chunk.

    taken: events that are in now and were not before. is_already: the chunk was in; then nothing else is known.
    refused: how many events the target rejected after all, by code; examples: the first of them.
    """

    taken: int
    is_already: bool = False
    refused: dict[str, int] = {}
    examples: tuple[Rejected, ...] = ()


Step = Callable[[], Outcome]
"""The last one for a chunk."""


class Target(Protocol):
    """One project's events.

    size: how large a chunk may be; None for what every target takes.
    """

    @property
    def size(self) -> ChunkSize | None: ...

    def taken_up_to(self, import_id: str) -> int:
        """The number of the last chunk that is in; 0 for none. Raises SvError."""
        ...

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        """Take a chunk in, whole and once, in three steps: what is returned does the second, and what that returns the third, with which
        every later query sees it. Each is done for the chunks in their order, each step by a thread of its own, and the last one after
        the answer for the chunk before. All raise SvError; then the chunk may be sent again."""
        ...

    def finish(self) -> None:
        """Called after the last file."""
        ...


class Nowhere:
    """The target of a dry run: accepts everything and keeps nothing."""

    size: ChunkSize | None = None

    def taken_up_to(self, import_id: str) -> int:  # noqa: ARG002 - a dry run reads everything
        return 0

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:  # noqa: ARG002 - nothing is kept
        outcome = Outcome(chunk.event_count)
        return lambda: lambda: outcome

    def finish(self) -> None:
        pass
