"""What a source gives: a file's rows in order, each with its place in the file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from sv.imports.blocks import Block

Unit = Literal["line", "row"]

UNREADABLE: Final = "UNREADABLE"
"""The reason of a row that is none; all other reasons are ingest's."""


class Row(Struct, frozen=True, gc=False):
    """A row as decoded JSON: fields by name.

    at: where a person finds it, counted from 1. end: the place after which the next row is read; grows with every row.
    """

    at: int
    end: int
    fields: dict[str, Any]


class BadRow(Struct, frozen=True, gc=False):
    """A row that can't be read, and why. Places as in `Row`."""

    at: int
    end: int
    code: str
    message: str


class Source(Protocol):
    """A file that is open for reading. Raises InvalidParameter where the whole file turns out not to be of its format.

    unit: what `at` counts. has_text_fields: a list or an object may stand in a field as JSON text.
    columns: the names of a table's columns; None where each row has its own.
    """

    unit: Unit
    has_text_fields: bool

    @property
    def columns(self) -> tuple[str, ...] | None: ...

    def rows(self, after: int) -> Iterator[Row | BadRow]:
        """The rows that end after this place (0: all)."""
        ...

    def blocks(self, after: int) -> "Iterator[Row | BadRow | Block]":
        """The same, some of them in blocks where that is quicker."""
        ...

    def progress(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        ...

    def looks_like_time(self, column: str) -> bool:
        """Whether the file itself says that a column holds points in time."""
        ...

    def close(self) -> None: ...
