"""Work that is heavy on purpose, one at a time on a thread, with few waiting: hashing passwords.

Answers for a stranger who sends logins by the thousand taking one core and 19 MiB at most, and for the last in line being refused rather
than kept waiting.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sv.model.errors import Unavailable
from sv.model.limits import MAX_LOGINS_WAITING

Result = TypeVar("Result")


class Turns:
    """For one event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, run on a thread when its turn comes. Raises Unavailable where too many wait."""
        if self._waiting >= MAX_LOGINS_WAITING:
            raise Unavailable("too many passwords are being checked; try again soon")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
