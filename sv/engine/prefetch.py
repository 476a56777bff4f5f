"""A sequence of readings in which the next one is begun on a thread while the current one is read."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import closing
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

PREFETCH_BYTES: Final = 768 << 20
"""With at least this much memory the engine sorts the next piece of an export while one is read."""


class _End:
    """Marks a reading that has no values."""


_END: Final = _End()


class Prefetch(Generic[Value]):
    """The readings 0 to `count` - 1, for one thread at a time. Must be closed.

    begin: makes a reading. is_wanted: whether there is memory for two at once; otherwise each begins when it is read.
    """

    def __init__(self, begin: Callable[[int], Generator[Value]], count: int, *, is_wanted: bool) -> None:
        self._begin = begin
        self._count = count
        self._is_wanted = is_wanted
        self._next: tuple[int, _Begun[Value]] | None = None

    def read(self, number: int) -> Generator[Value]:
        """The values of that reading. Once its first value is there, the next reading is begun. Raises what the reading raises."""
        with closing(self._taken(number)) as values:
            for value in values:
                if self._is_wanted and self._next is None and number + 1 < self._count:
                    self._next = number + 1, _Begun(self._begin(number + 1))
                yield value

    def _taken(self, number: int) -> "Generator[Value] | _Begun[Value]":
        if self._next is None:
            return self._begin(number)
        begun_number, begun = self._next
        if begun_number != number:  # a reading that broke off is read again
            return self._begin(number)
        self._next = None
        return begun

    def close(self) -> None:
        """Drop the reading that was begun ahead; waits for its first value."""
        if self._next is not None:
            self._next[1].close()
            self._next = None


class _Begun(Generic[Value]):
    """A reading whose first value is fetched by a thread, from now on; its other values are fetched by whoever reads them."""

    def __init__(self, values: Generator[Value]) -> None:
        self._values = values
        self._first: Future[Value | _End] | None = Future()
        # Not a daemon: a process that ends has to wait for the statement, which would call into an interpreter that is gone.
        threading.Thread(target=self._fetch, args=[self._first], name="sv-ahead").start()

    def _fetch(self, first: "Future[Value | _End]") -> None:
        try:
            first.set_result(next(self._values, _END))
        except BaseException as error:  # raised where it is read
            first.set_exception(error)

    def __iter__(self) -> "_Begun[Value]":
        return self

    def __next__(self) -> Value:
        if self._first is None:
            return next(self._values)
        first = self._first.result()  # who is interrupted here closes it, and has to wait then
        self._first = None
        if isinstance(first, _End):
            raise StopIteration
        return first

    def close(self) -> None:
        if self._first is not None:
            wait([self._first])
        self._values.close()
