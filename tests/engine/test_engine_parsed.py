"""Statements that are kept taken apart: their answers are those of their text, and the first time they are text."""

from collections.abc import Iterator

import duckdb
import pytest

from sv.engine.duck import parsed as parsing
from sv.engine.duck.parsed import MAX_KEPT, parsed


@pytest.fixture
def cursor(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.setattr(parsing, "_kept", {})
    with duckdb.connect() as connection:
        yield connection


def test_a_text_is_taken_apart_once_it_is_asked_for_again(cursor: duckdb.DuckDBPyConnection) -> None:
    text = "select $a + 1"
    taken = [parsed(cursor, text) for _ in range(3)]
    assert taken[0] == text
    assert taken[1] is taken[2]
    assert not isinstance(taken[1], str)
    assert [cursor.execute(each, {"a": nth}).fetchall() for nth, each in enumerate(taken)] == [[(1,)], [(2,)], [(3,)]]


def test_those_that_were_not_asked_for_longest_go(cursor: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        often = parsed(cursor, "select 1")
    for nth in range(MAX_KEPT * 3):
        assert parsed(cursor, f"select {nth + 2}") == f"select {nth + 2}"
        if nth % 10 == 0:
            assert parsed(cursor, "select 1") is often
    assert parsed(cursor, "select 2") == "select 2"
