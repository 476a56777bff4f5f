"""Moves what was committed from SQLite's log into its file, on a thread and connection of its own.

Answers for a log of bounded size. A checkpoint syncs twice and writes every changed page, which for many new persons
takes 100 ms: too long for the commit of somebody who waits for the answer to a query. SQLite's passive checkpoint
waits for nobody and lets nobody wait. Assumes that readers are short. Never loses anything by failing: the log then
stays, and the next commit asks again.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Final

import apsw

log = logging.getLogger(__name__)

PASSIVE_PAGES: Final = 1000
"""Log pages (4 KiB) from which a checkpoint is due. SQLite's own default."""

RESTART_PAGES: Final = 16_000
"""Log pages (64 MiB) from which the writer itself waits for the log to start over.

Commits without a pause never let a passive checkpoint catch up with the end of the log, and only then is it reused.
"""


class Checkpointer:
    """Woken by `committed`. `connect` makes its connection; `report` hears of errors of input and output."""

    def __init__(self, connect: Callable[[], apsw.Connection], report: Callable[[apsw.Error], None]) -> None:
        self._connect = connect
        self._report = report
        self._at_work = threading.Lock()
        self._is_due = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def committed(self, log_pages: int) -> None:
        """Told of the log's length after each commit, by one thread at a time. Returns at once."""
        if log_pages < PASSIVE_PAGES or self._is_closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sv-meta-checkpoint", daemon=True)
            self._thread.start()
        self._is_due.set()

    def paused(self) -> AbstractContextManager[object]:
        """For a checkpoint that somebody else makes in the block: SQLite refuses two at once."""
        return self._at_work

    def close(self) -> None:
        """Stop, after the checkpoint under way. Does nothing the second time."""
        self._is_closed = True
        self._is_due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._is_due.wait() and not self._is_closed:
            self._is_due.clear()
            try:
                with self._at_work, closing(self._connect()) as connection:
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error as error:
                log.warning("a checkpoint of the metadata failed and will be tried again: %s", error)
                self._report(error)
