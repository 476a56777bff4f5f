"""What a start does with the files that it finds, and what the engine has to be told again of those that are good.

Assumes the lock on the data folder and the open catalog. Never deletes anything that may hold an event which nothing else holds.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from sv.meta.errors import FolderUnusable
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.telling import told
from sv.store.catalog import Catalog
from sv.store.files import EVENTS, SPILL, looks_whole, set_aside, sweep_temporary_files, sweep_unknown_files
from sv.store.indexing import sweep_keys
from sv.store.ports import CatalogRows, Tables

log = logging.getLogger(__name__)


def recover_catalog(data_folder: Path, rows: CatalogRows) -> Catalog:
    """The catalog of what is there as its rows say. A part that isn't is set aside and leaves them, which is logged.

    Raises FolderUnusable where the folder or a file can't be used for another reason than damage.
    """
    try:
        for name in (EVENTS, SPILL):  # now, since on a full disk the engine could not make them when it needs them
            (data_folder / name).mkdir(exist_ok=True)
        sweep_temporary_files(data_folder)
        catalog = Catalog([part for part in rows.live_parts() if _is_whole(data_folder, rows, part)])
    except OSError as error:
        raise FolderUnusable(f"the data folder {data_folder} can't be used by user {os.geteuid()}: {error}") from error
    catalog.add_dropped(rows.dropped_parts())
    return catalog


def clear_away(data_folder: Path, parts: Iterable[Part], covered_seq: int, *, is_log_whole: bool) -> None:
    """Clear away files that no part of these names: of flushes and merges that a kill cut short. See `sweep_unknown_files`."""
    known = list(parts)
    try:
        sweep_unknown_files(data_folder, {part.path for part in known}, covered_seq, is_log_whole=is_log_whole)
        sweep_keys(data_folder, known)
    except OSError as error:
        log.error("can't clear away files that no catalog row names: %s", error)


def recall_event_ids(data_folder: Path, catalog: Catalog, tables: Tables, since_ms: int) -> None:
    """Have the engine remember the clients' event ids that were received since then, from the parts.

    Raises Unavailable. A damaged part is passed over, for the next query to set aside: it must not keep new events from being drained.
    """
    for project_id in {part.project_id for part in catalog.parts()}:
        snapshot = catalog.take(project_id, 0, MAX_TIMESTAMP_MS + 1)  # held, so that no merge deletes the files meanwhile
        try:
            for part in snapshot.parts:
                if part.max_received_ms >= since_ms:
                    _recall_one(data_folder / part.path, project_id, tables, since_ms)
        finally:
            catalog.release(snapshot)


def _recall_one(path: Path, project_id: str, tables: Tables, since_ms: int) -> None:
    try:
        tables.recall_event_ids([(project_id, path)], since_ms)
    except Exception as error:
        if tables.is_readable(path):
            raise
        log.error("can't read the event ids in %s: %s", path, told(error))


def _is_whole(data_folder: Path, rows: CatalogRows, part: Part) -> bool:
    path = data_folder / part.path
    if looks_whole(path, part.bytes):
        return True
    set_aside(data_folder, path, "it is cut off, overwritten or missing")
    rows.set_aside(part.part_id)
    return False
