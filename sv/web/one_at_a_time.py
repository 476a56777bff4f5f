"""Deliberately expensive work, run one at a time on a thread, with a bounded queue: hashing passwords.

So a stranger who sends thousands of logins takes one core and 19 MiB at most, and whoever finds the queue full is refused rather than kept
waiting.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sv.model.errors import Unavailable
from sv.model.limits import MAX_LOGINS_WAITING

Result = TypeVar("Result")


class OneAtATime:
    """For one event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` on a thread when its turn comes, and return its result. Raises Unavailable where too many wait already."""
        if self._waiting >= MAX_LOGINS_WAITING:
            raise Unavailable("too many passwords are being checked; try again soon")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
