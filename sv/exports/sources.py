"""Where an export's events come from."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from sv.model.exports import ExportQuery

Pairs = Sequence[tuple[str, str]]
"""What is asked for, as the query string of the API says it."""


class PlannedPiece(Struct, frozen=True):
    """Neighbouring days: the bounds to ask for them by, and how many events were counted."""

    date_from: str
    date_to: str
    events: int


class Plan(Struct, frozen=True):
    """received_before: bounds every piece, so that all are of one moment. events: of all pieces."""

    received_before: str
    events: int
    pieces: list[PlannedPiece]


class Source(Protocol):
    """One project's events. Raises SvError."""

    @property
    def reads_ahead(self) -> bool:
        """Whether a second piece may be begun while one is read."""
        ...

    def plan(self, pairs: Pairs) -> Plan: ...

    def read(self, pairs: Pairs) -> Generator[bytes]:
        """A file's content, block by block. Closed where it isn't read to its end."""
        ...


class LocalSource:
    """The data folder, in the process that has it open. parse: the query of these pairs. plan_of, read_of: its plan as JSON's
    values, and its content. reads_ahead: as of `Source`."""

    def __init__(
        self,
        parse: Callable[[Pairs], ExportQuery],
        plan_of: Callable[[ExportQuery], dict[str, Any]],
        read_of: Callable[[ExportQuery], Generator[bytes]],
        *,
        reads_ahead: bool = False,
    ) -> None:
        self.reads_ahead = reads_ahead
        self._parse = parse
        self._plan_of = plan_of
        self._read_of = read_of

    def plan(self, pairs: Pairs) -> Plan:
        return msgspec.convert(self._plan_of(self._parse(pairs)), Plan)

    def read(self, pairs: Pairs) -> Generator[bytes]:
        return self._read_of(self._parse(pairs))


def piece_pairs(pairs: Pairs, plan: Plan, piece: PlannedPiece) -> Pairs:
    """What asks for one piece of a plan."""
    rest = [pair for pair in pairs if pair[0] not in ("date_from", "date_to", "received_before")]
    bounds = [("date_from", piece.date_from), ("date_to", piece.date_to), ("received_before", plan.received_before)]
    return [*rest, *bounds]


def whole_pairs(pairs: Pairs, plan: Plan) -> Pairs:
    """What asks for all of a plan's events: in one go, and on whatever day."""
    if plan.pieces:
        first, last = plan.pieces[0], plan.pieces[-1]
        return piece_pairs(pairs, plan, PlannedPiece(first.date_from, last.date_to, plan.events))
    return [*(pair for pair in pairs if pair[0] != "received_before"), ("received_before", plan.received_before)]
