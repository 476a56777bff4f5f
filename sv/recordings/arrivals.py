"""Uploads to the server's own store that are under way: how many, how large, and of which chunks.

Bounds them, and lets whoever removes a chunk know that an upload may still bring it back.
"""

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from sv.model.errors import Unavailable
from sv.model.limits import MAX_PROJECT_UPLOADS, MAX_UPLOADS
from sv.recordings.keys import parse_key


class Arrivals:
    """Thread-safe, and never waits for a disk: an event loop may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: Counter[str] = Counter()
        self._by_project: Counter[str] = Counter()
        self._bytes = 0

    @contextmanager
    def entered(self, key: str, size: int) -> Generator[None]:
        """An upload of `size` bytes is under way for as long as the block runs. Raises Unavailable for one too many."""
        chunk = parse_key(key)
        project_id = "" if chunk is None else chunk.project_id
        with self._lock:
            if self._by_key.total() >= MAX_UPLOADS or self._by_project[project_id] >= MAX_PROJECT_UPLOADS:
                raise Unavailable("too many chunks are coming in at once", retry_after_s=2)
            self._by_key[key] += 1
            self._by_project[project_id] += 1
            self._bytes += size
        try:
            yield
        finally:
            with self._lock:
                self._by_key[key] -= 1
                if not self._by_key[key]:
                    del self._by_key[key]
                self._by_project[project_id] -= 1
                if not self._by_project[project_id]:
                    del self._by_project[project_id]
                self._bytes -= size

    def is_coming(self, key: str) -> bool:
        """Whether an upload of that object is under way."""
        with self._lock:
            return key in self._by_key

    @property
    def bytes(self) -> int:
        """Of all that are under way, as they will be."""
        return self._bytes
