"""A server whose clock stands, for tests that compare what it answers with what it answered before.

Answers for a clock that moves by a millisecond with each event that was taken in (so that order is kept) and by nothing else, that
starts again when the server is emptied, and for a folder without anything random in what it answers. Assumes a folder of `sv dev`,
whose credentials everybody knows. Never for a server that keeps secrets.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sv.cli.credentials import DevServer
from sv.meta.db import Meta
from sv.meta.instance import load_instance, load_url_secret
from sv.model.data_folder import CATALOG
from sv.model.errors import InvalidParameter
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.settings import Settings
from sv.store.files import refuse_lost_catalog

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class FixedServer(DevServer):
    """A server that starts at an instant, in Unix milliseconds, again after each reset."""

    def __init__(self, settings: Settings, at_ms: int) -> None:
        super().__init__(settings, clock=self._now_ms)
        self._at_ms = at_ms
        self._ingested_before: int | None = None

    def _now_ms(self) -> int:
        before = self._ingested_before
        return self._at_ms if before is None else self._at_ms + self.store.ingested - before

    def open(self) -> None:
        self.lock_folder()
        refuse_lost_catalog(self.settings.data)
        _make_unrandom(self.settings.data / CATALOG, self._at_ms)
        super().open()
        self._ingested_before = self.store.ingested

    def reset(self) -> None:
        super().reset()
        self._ingested_before = self.store.ingested


def read_instant(text: str) -> int:
    """Unix milliseconds of an instant in ISO 8601, which has to say its offset. Raises InvalidParameter."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    at_ms = -1 if moment is None or moment.tzinfo is None else round((moment - _EPOCH).total_seconds() * 1000)
    if not 0 <= at_ms <= MAX_TIMESTAMP_MS:
        raise InvalidParameter(f"expected an instant such as 2026-01-31T12:00:00Z, got {text[:60]!r} (--fixed-clock)")
    return at_ms


def _make_unrandom(path: Path, at_ms: int) -> None:
    """Begin a folder that has nothing yet with the numbers that are else drawn: ids and signed URLs are then the same each time."""
    if path.exists():
        return
    with Meta.open(path) as meta:
        load_instance(meta, at_ms, choose=lambda letters: letters[0], random_bits=lambda _: 0)
        load_url_secret(meta, lambda count: bytes(count))
