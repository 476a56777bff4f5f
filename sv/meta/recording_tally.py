"""Keeps figures of recordings beside the chunks' rows: for each session, and over all.

They match the chunks after every change, provided that each change of a chunk is reported in the transaction that makes it.
"""

from collections.abc import Iterable

import apsw
import msgspec


class State(msgspec.Struct, frozen=True):
    """What matters of a chunk: whether it is `promised`, `stored` or `doomed`, and its bytes."""

    name: str
    size: int


class Change(msgspec.Struct, frozen=True):
    """A change of one chunk of a session. None for a chunk that did not exist before, or does not exist after."""

    recording: int
    before: State | None
    after: State | None


class _Figures(msgspec.Struct):
    chunks: int = 0
    stored: int = 0
    bytes: int = 0
    promised: int = 0
    kept_bytes: int = 0

    def add(self, state: State | None, sign: int) -> None:
        if state is None:
            return
        self.chunks += sign
        self.stored += sign * (state.name == "stored")
        self.bytes += sign * (0 if state.name == "doomed" else state.size)
        self.promised += sign * (state.name == "promised")
        self.kept_bytes += sign * (0 if state.name == "promised" else state.size)


def tally(writer: apsw.Connection, changes: Iterable[Change]) -> None:
    """Update the figures, and delete sessions that have no chunk any more."""
    by_recording: dict[int, _Figures] = {}
    total = _Figures()
    for change in changes:
        for figures in (total, by_recording.setdefault(change.recording, _Figures())):
            figures.add(change.before, -1)
            figures.add(change.after, 1)
    writer.executemany(
        "update recording_sessions set chunks = chunks + ?, stored = stored + ?, bytes = bytes + ? where recording = ?",
        [(each.chunks, each.stored, each.bytes, recording) for recording, each in by_recording.items()],
    )
    writer.executemany(
        "delete from recording_sessions where recording = ? and chunks = 0",
        [(recording,) for recording, each in by_recording.items() if each.chunks < 0],
    )
    writer.execute("update recording_totals set promised = promised + ?, bytes = bytes + ?", (total.promised, total.kept_bytes))
