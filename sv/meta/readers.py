"""The connections that read: a few, made when first needed, each used by one thread at a time."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import apsw

from sv.model.errors import Unavailable

READERS: Final = 4
"""Reads are microseconds, so four serve any number of threads; each may hold its cache in memory."""

READER_WAIT_S: Final = 10.0
"""For a free reader. Longer means that something holds them all, and waiting won't help."""


class Readers:
    """Thread-safe. connect: opens one more connection; it may raise."""

    def __init__(self, connect: Callable[[], apsw.Connection], size: int = READERS) -> None:
        self._connect = connect
        self._size = size
        self._free = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[apsw.Connection] = []
        self._is_closed = False

    @contextmanager
    def borrow(self) -> Generator[apsw.Connection]:
        """A connection for the length of the block. Raises Unavailable when closed, or when none comes free."""
        if not self._free.acquire(timeout=READER_WAIT_S):
            raise Unavailable(f"no metadata reader came free within {READER_WAIT_S:g} seconds")
        try:
            with self._lock:
                if self._is_closed:
                    raise Unavailable("the metadata is closed: the server is shutting down")
                connection = self._idle.pop() if self._idle else None
            connection = connection or self._connect()
            try:
                yield connection
            finally:
                with self._lock:
                    self._idle.append(connection)
        finally:
            self._free.release()

    def close(self) -> None:
        """Refuse new readers, wait for those at work, close all. Does nothing the second time."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        for _ in range(self._size):
            self._free.acquire(timeout=READER_WAIT_S)
        for _ in range(self._size):
            self._free.release()
        with self._lock:
            while self._idle:
                self._idle.pop().close()
