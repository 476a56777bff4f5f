"""The connections that read: few, used again, and none handed to two threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import apsw
import pytest

from sv.meta.readers import READERS, Readers
from sv.model.errors import Unavailable


def test_any_number_of_threads_share_a_few_connections_one_at_a_time() -> None:
    made: list[apsw.Connection] = []
    in_use: set[int] = set()
    lock = threading.Lock()

    def connect() -> apsw.Connection:
        made.append(apsw.Connection(":memory:"))
        return made[-1]

    readers = Readers(connect)

    def read(_: int) -> None:
        with readers.borrow() as connection:
            with lock:
                assert id(connection) not in in_use
                in_use.add(id(connection))
            connection.execute("select 1").fetchall()
            with lock:
                in_use.remove(id(connection))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(read, range(500)))
    readers.close()
    assert 1 <= len(made) <= READERS


def test_who_finds_none_free_is_told_and_a_free_one_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.meta.readers.READER_WAIT_S", 0.01)
    readers = Readers(lambda: apsw.Connection(":memory:"), size=1)
    with readers.borrow(), pytest.raises(Unavailable, match="came free"), readers.borrow():
        pass
    with readers.borrow():
        pass
    readers.close()


def test_a_connection_that_cannot_be_made_costs_no_place() -> None:
    def fail() -> apsw.Connection:
        raise apsw.CantOpenError("no")

    readers = Readers(fail, size=1)
    for _ in range(3):
        with pytest.raises(apsw.CantOpenError), readers.borrow():
            pass
