"""The bodies of the query API while they arrive, so that what they take of memory together is bounded.

Small ones, as nearly all are, always have room. A large one has it while others leave some, of one project half at most: bodies may take a
minute to arrive, on thousands of connections. For the event loop alone.
"""

from collections import Counter
from collections.abc import AsyncIterator

from sv.model.connection_limits import FREE_BODY_BYTES, MAX_LARGE_BODY_BYTES
from sv.model.errors import Unavailable


class Bodies:
    """One for the server."""

    def __init__(self) -> None:
        self._large_bytes: Counter[str] = Counter()

    async def read(self, project_id: str, pieces: AsyncIterator[bytes]) -> bytes:
        """A body from its pieces. project_id: whose room it takes, or "". Raises Unavailable where there is none."""
        body = bytearray()
        counted = 0
        try:
            async for piece in pieces:
                body += piece
                more = len(body) - FREE_BODY_BYTES - counted
                if more > 0:
                    self._expect_room(project_id, more)
                    self._large_bytes[project_id] += more
                    counted += more
        finally:
            if counted:
                self._large_bytes[project_id] -= counted
                self._large_bytes += Counter()  # without those that have nothing any more
        return bytes(body)

    def _expect_room(self, project_id: str, more: int) -> None:
        own, all_together = self._large_bytes[project_id] + more, self._large_bytes.total() + more
        if own > MAX_LARGE_BODY_BYTES // 2 or all_together > MAX_LARGE_BODY_BYTES:
            raise Unavailable("too many large requests at once; try again soon", retry_after_s=2)
