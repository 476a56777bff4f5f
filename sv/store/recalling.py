"""Reads the clients' event ids back from files, and tells the engine, before a batch is drained that could repeat one."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sv.model.errors import Unavailable
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.redaction import redacted
from sv.store.catalog import Catalog
from sv.store.ports import Tables

log = logging.getLogger(__name__)

STATEMENT_FILES: Final = 256
"""Read by one statement. Of a small file that is read by itself nine tenths of the processor's time are the statement's."""

STATEMENT_ROWS: Final = 1 << 20
"""The same of large files, so that what a statement has to remember is bounded."""

LAST_FILES: Final = 4096
"""How many are still read where the server ends: a second of processor time, of the ten that containers are given."""


def recall_event_ids(
    data_folder: Path, catalog: Catalog, tables: Tables, since_ms: int, is_ending: Callable[[], bool] = lambda: False
) -> None:
    """Have the engine remember the clients' event ids that were received since then, from the parts.

    Raises Unavailable; the next try goes on where this one was. A damaged part is passed over, for the next query to set aside: it must
    not keep new events from being drained.
    """
    with contextlib.ExitStack() as held:  # so that no merge deletes the files meanwhile
        left: list[Part] = []
        for project_id in {part.project_id for part in catalog.parts()}:
            snapshot = catalog.take(project_id, 0, MAX_TIMESTAMP_MS + 1)
            held.callback(catalog.release, snapshot)
            left += [part for part in snapshot.parts if part.max_received_ms >= since_ms]
        left = [part for part in left if not tables.has_recalled(data_folder / part.path)]
        for parts in _together(left):
            if is_ending() and len(left) > LAST_FILES:
                raise Unavailable(f"the event ids of {len(left)} files would have to be read first")
            _recall(data_folder, parts, tables, since_ms)
            left = left[len(parts) :]


def _together(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Groups the files by what one statement reads."""
    start = rows = 0
    for at, part in enumerate(parts):
        if at > start and (at - start == STATEMENT_FILES or rows + part.rows > STATEMENT_ROWS):
            yield parts[start:at]
            start, rows = at, 0
        rows += part.rows
    if parts:
        yield parts[start:]


def _recall(data_folder: Path, parts: Sequence[Part], tables: Tables, since_ms: int) -> None:
    paths = [(part.project_id, data_folder / part.path) for part in parts]
    try:
        tables.recall_event_ids(paths, since_ms)
    except Exception as error:
        if len(parts) > 1:  # which of them is at fault, or whether it is all of them together, is told by reading each
            for part in parts:
                _recall(data_folder, [part], tables, since_ms)
        elif tables.is_readable(paths[0][1]):
            raise
        else:
            log.error("can't read the event ids in %s: %s", paths[0][1], redacted(error))
