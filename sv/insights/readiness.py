"""Gets ready for queries before one is asked: imports, opens and builds what they need, which would take a second of the first query."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from sv.model.redaction import redacted

log = logging.getLogger(__name__)


class Loading(Protocol):
    """Whoever has the routes."""

    async def load(self) -> object: ...


class Stored(Protocol):
    """Whoever has the events. `tables` opens the engine for writing, too."""

    @property
    def has_events(self) -> bool: ...
    @property
    def tables(self) -> object: ...


class Readying(Protocol):
    """The engine, as far as it is needed here."""

    def get_ready(self) -> None: ...


class Indexing(Protocol):
    """Whoever prepares key files for queries."""

    def index(self) -> None: ...


async def get_ready(front: Loading, store: Stored, open_engine: Callable[[], Readying], indexing: Indexing) -> None:
    """Load the routes and, on a thread, the engine with its key files; does nothing where there are no events to ask about. A failure is
    left for the first query to meet and report."""
    if not store.has_events:
        return

    def get_engine_ready() -> None:
        _ = store.tables
        open_engine().get_ready()
        indexing.index()

    try:
        await front.load()
        await asyncio.to_thread(get_engine_ready)
    except Exception as error:
        log.warning("could not get ready for queries, the first query tries again: %s", redacted(error))
