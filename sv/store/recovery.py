"""What a start does with the files that it finds.

Assumes the lock on the data folder and the open catalog. Never deletes anything that may hold an event which nothing else holds.

# INVARIANT STORE-4: what the catalog has taken out leaves the disk and never lies aside: the transaction that takes a part out keeps its
# row, which goes once the file is gone for good; and a file that is to take the place of parts is noted before it is written.
"""

import logging
from pathlib import Path

from sv.meta.errors import FolderUnusable
from sv.meta.folder import remedy
from sv.model.errors import SvError
from sv.model.part import Part
from sv.store.catalog import Catalog
from sv.store.files import EVENTS, SPILL, delete_durably, looks_whole, set_aside, sweep_temporary_files, sweep_unknown_files
from sv.store.indexing import sweep_keys
from sv.store.ports import CatalogRows

log = logging.getLogger(__name__)


def recover_catalog(data_folder: Path, rows: CatalogRows) -> Catalog:
    """The catalog of the parts whose files are there. A part whose file is missing or damaged is set aside and removed from the rows, which
    is logged.

    Raises FolderUnusable where the folder or a file can't be used for another reason than damage.
    """
    try:
        for name in (EVENTS, SPILL):  # now, since on a full disk the engine could not make them when it needs them
            (data_folder / name).mkdir(mode=0o700, exist_ok=True)
        sweep_temporary_files(data_folder)
        catalog = Catalog([part for part in rows.live_parts() if _is_whole(data_folder, rows, part)])
    except OSError as error:
        raise FolderUnusable(remedy(data_folder, error)) from error
    try:
        _remove_taken_out(data_folder, rows, catalog)
    except (SvError, OSError) as error:
        log.warning("can't delete files that the catalog took out yet: %s", error)
    catalog.add_dropped(rows.dropped_parts())
    return catalog


def clear_away(data_folder: Path, rows: CatalogRows, catalog: Catalog, *, logged_seq: int) -> None:
    """Clear away files that the catalog doesn't know: of flushes that a kill cut short. See `sweep_unknown_files`."""
    known = [*catalog.parts(), *rows.dropped_parts()]
    paths = {part.path for part in known} | rows.unfinished().keys()
    try:
        sweep_unknown_files(data_folder, paths, range(rows.covered_seq() + 1, logged_seq + 1))
        sweep_keys(data_folder, known)
    except OSError as error:
        log.error("can't clear away files that no catalog row names: %s", error)


def _remove_taken_out(data_folder: Path, rows: CatalogRows, catalog: Catalog) -> None:
    """Delete for good what an earlier run has taken out of the catalog (merged, erased, too old, of a deleted project) and did not get to
    delete, and the files of merges and the like that were not finished. Raises Unavailable; then they are as they were.

    An unfinished file goes only where each part that it was made of is there whole. Otherwise nobody can account for it: the catalog may
    be an older one out of a backup, in whose future it was finished.

    SCAR: not before the catalog is on the disk. The run before may have been killed before its sync, and a power cut right after this
    would bring back a catalog that lists what was deleted.
    """
    dropped, unfinished = rows.dropped_parts(), rows.unfinished()
    if not dropped and not unfinished:
        return
    rows.settle()
    gone = delete_durably(data_folder, [part.path for part in dropped], set())
    rows.forget_dropped([part.part_id for part in dropped if part.path in gone])
    live = {part.part_id for part in catalog.parts()}
    superfluous = [path for path, made_of in unfinished.items() if made_of <= live]
    stays = set(superfluous) - delete_durably(data_folder, superfluous, set())
    rows.forget_unfinished([path for path in unfinished if path not in stays])


def _is_whole(data_folder: Path, rows: CatalogRows, part: Part) -> bool:
    path = data_folder / part.path
    if looks_whole(path, part.bytes):
        return True
    set_aside(data_folder, path, "it is cut off, overwritten or missing")
    rows.set_aside(part.part_id)
    return False
