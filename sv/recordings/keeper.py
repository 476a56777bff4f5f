"""The thread that looks after recordings: uploads that have arrived, promises that have lapsed, and chunks to delete."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from sv.model.errors import SvError

log = logging.getLogger(__name__)

STOP_S: Final = 2.0
"""For a round that is under way. One that waits for a bucket that doesn't answer is left: containers are given ten seconds to end, and the
last flush comes after this."""


class Keeper:
    """Calls `settle` every so often from `start` to `stop`, and again at once where it returns that more is due. A round that fails is
    logged, and the next one tries again.

    SCAR: with one round a minute the bytes of a deleted project with 100,000 chunks took room for 100 minutes, and so did as many promises.
    """

    def __init__(self, settle: Callable[[], bool], every_s: float) -> None:
        self._settle = settle
        self._every_s = every_s
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The first round is now: a crash may have left something to do."""
        self._thread = threading.Thread(target=self._run, name="sv-recordings", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the round that is under way. Does nothing if it wasn't started."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._is_over.is_set():
            is_more_due = False
            try:
                is_more_due = self._settle()
            except SvError as error:
                log.warning("recordings can't be looked after for now: %s", error.message)
            except Exception:
                log.exception("a fault of ours while looking after recordings")
            if not is_more_due:
                self._is_over.wait(self._every_s)
