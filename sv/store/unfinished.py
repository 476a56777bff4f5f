"""Keeps track of files of merges and the like, from before they are written until the catalog lists them.

So no such file is ever mistaken for the only one with its events: the catalog knows each file before it gets its name, and from which parts
it is made (`recovery.py` reads that after a kill). Assumes the maintenance's turn.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from sv.store.files import delete_durably
from sv.store.ports import CatalogRows


class Unfinished:
    """For the thread that has the maintenance's turn."""

    def __init__(self, data_folder: Path, rows: CatalogRows) -> None:
        self._data_folder = data_folder
        self._rows = rows
        self._in_doubt: list[str] = []
        self._superfluous: list[str] = []
        """Those that nothing needs and that couldn't be deleted."""
        self._told: set[str] = set()

    def resume(self, live: Collection[int]) -> None:
        """Take over the files that a start could not delete. live: the parts that exist at that start."""
        self._in_doubt += [path for path, made_of in self._rows.unfinished().items() if made_of <= set(live)]

    def begin(self, path: str, made_of: Sequence[int]) -> None:
        """Note a file before it is written; it is going to replace these parts. Raises Unavailable."""
        self._rows.note_unfinished(path, made_of)

    def doubt(self, path: str) -> None:
        """Note the file of a commit that failed, which may have happened all the same."""
        self._in_doubt.append(path)

    def remaining(self, project_id: str) -> list[str]:
        """The project's files that can't be deleted, relative to the data folder: they still hold what they held when they were made."""
        return sorted(path for path in (*self._in_doubt, *self._superfluous) if f"/project={project_id}/" in path)

    def settle(self) -> None:
        """Delete the files of merges and the like that failed, or raise what keeps the catalog from being written.

        SCAR: a commit that failed may come back after a crash, and then its file has to be there; once another commit has succeeded that
        can't happen any more. Until then nothing more is merged, or a full disk would fill up with merged files that nobody reads.
        """
        self._superfluous = self._delete(self._superfluous)
        if self._in_doubt:
            self._rows.forget_dropped([])
            left = self._delete(self._in_doubt)
            for path in left:  # so that the next start knows, whatever what they were made of has become by then
                self._rows.note_unfinished(path, ())
            self._in_doubt = []
            self._superfluous += left

    def _delete(self, paths: Sequence[str]) -> list[str]:
        """Returns those that stay. For good: a power cut could bring one back that the catalog no longer knows."""
        gone = delete_durably(self._data_folder, paths, self._told)
        if gone:
            self._rows.forget_unfinished(sorted(gone))
        return [path for path in paths if path not in gone]
