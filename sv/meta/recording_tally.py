"""The figures that are kept beside chunks of recordings: of each session, and over all.

Answers for them being those of the chunks after every change. Assumes that each change of a chunk is told, in the same transaction.
"""

from collections.abc import Iterable

import apsw
import msgspec


class State(msgspec.Struct, frozen=True):
    """What counts of a chunk: `promised`, `stored` or `doomed`, and its bytes."""

    name: str
    size: int


class Change(msgspec.Struct, frozen=True):
    """What became of one chunk of a session. None: there was, or is, no such chunk."""

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
    """Bring the figures up to date, and strike sessions that have no chunk any more."""
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
