"""Between an engine that failed within itself and the server's end: which event file it failed at, if any.

Assumes that files can be looked at by another engine meanwhile (`Tables.is_readable`). SCAR: one wrong byte in a file had the engine fail,
each start read the file again, and the server ended each time, a second later.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sv.model.errors import Unavailable
from sv.model.part import Part

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""Events are taken in meanwhile, and nobody's question is answered. A million events are read in about two seconds."""


class Suspected(Protocol):
    def suspects(self) -> tuple[Sequence[Part], Sequence[Part]]: ...


class Checking(Protocol):
    def check_all(self, parts: Sequence[Part], /) -> int: ...


class AfterFault:
    """One for a server's life. Called by the event loop's thread; looks on a thread of its own, which lower_priority is for."""

    def __init__(
        self, catalog: Suspected, maintenance: Checking, lower_priority: Callable[[], None], monotonic_s: Callable[[], float]
    ) -> None:
        self._catalog = catalog
        self._maintenance = maintenance
        self._lower_priority = lower_priority
        self._monotonic_s = monotonic_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def is_done(self) -> bool:
        """Begins to look when first asked; True once that is over."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="sv-suspects", daemon=True)
            self._thread.start()
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Wait for the file that is just being looked at, and look at no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        self._lower_priority()
        until_s = self._monotonic_s() + LOOK_S
        noted, others = self._catalog.suspects()
        suspects = [*noted, *others]
        damaged = looked_at = 0
        for part in suspects:
            if self._stopping.is_set() or self._monotonic_s() >= until_s:
                break
            if damaged and looked_at >= len(noted):  # it is found
                suspects = suspects[:looked_at]
                break
            try:
                damaged += self._maintenance.check_all([part])
            except Unavailable as error:
                log.warning("can't tell whether the engine failed at %s: %s", part.path, error.message)
            looked_at += 1
        log.log(
            logging.WARNING if looked_at < len(suspects) else logging.INFO,
            "%d of %d event files were looked at that the engine may have failed at, %d of them were set aside%s",
            looked_at, len(suspects), damaged, "; `sv check --repair` looks at all" if looked_at < len(suspects) else "",
        )  # fmt: skip
