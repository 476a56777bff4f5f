"""Lines of the log: what an error says of itself, without what it quotes of somebody's data."""

import json
import logging
import sys
from pathlib import Path

import duckdb
import pytest

from sv.cli.log_lines import JsonLines, TextLines
from sv.model.errors import Unavailable
from sv.model.redaction import redacted

SECRET = "ann@example.com"
NUMBER = "4915112345678"


def line(error: BaseException, formatter: logging.Formatter) -> str:
    try:
        raise error
    except BaseException:  # as any thread's last resort would
        record = logging.LogRecord("sv", logging.ERROR, __file__, 1, "a fault of ours", (), sys.exc_info())
    return formatter.format(record)


def of_the_engine(sql: str) -> duckdb.Error:
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect().execute(sql, {"value": SECRET} if "$value" in sql else None).fetchall()
    return caught.value


@pytest.mark.parametrize(
    "sql",
    [
        "select $value::bigint",
        "select $value::timestamp",
        "select json($value)",
        "select $value::uuid",
        "select strptime($value, '%Y')",
        f"select error('{SECRET}')",
        f"select * from '{SECRET}.parquet'",
        f"select {NUMBER}::bigint::smallint",
        "select regexp_matches('', '(' || $value)",
    ],
)
def test_a_message_of_the_engine_is_told_up_to_what_it_quotes(sql: str) -> None:
    error = of_the_engine(sql)
    assert SECRET in str(error) or NUMBER in str(error)
    for text in (redacted(error), line(error, TextLines()), line(error, JsonLines())):
        assert SECRET not in text
        assert NUMBER not in text
        assert type(error).__name__ in text


def test_our_own_message_and_the_operating_system_s_are_told_whole(tmp_path: Path) -> None:
    assert redacted(Unavailable("the query took longer than 30 s")) == "the query took longer than 30 s"
    missing = tmp_path / "it's gone"
    with pytest.raises(FileNotFoundError) as caught:
        missing.read_bytes()
    assert redacted(caught.value).startswith("[Errno 2] No such file or directory: ")
    assert str(tmp_path) in redacted(caught.value)


def test_a_trace_has_the_frames_and_the_causes_without_their_values() -> None:
    try:
        try:
            {}[SECRET]
        except KeyError as error:
            raise ValueError(f"no person {SECRET!r}") from error
    except ValueError as error:
        whole = error
    text = json.loads(line(whole, JsonLines()))["trace"]
    assert SECRET not in text
    assert text.index("KeyError") < text.index("which led to") < text.index("ValueError: no person …")
    assert text.count(f'File "{__file__}"') == 3


def test_a_text_line_with_a_trace_is_a_line_and_its_trace() -> None:
    text = line(RuntimeError("the engine is closed"), TextLines())
    first, *rest = text.splitlines()
    assert first.endswith("ERROR   a fault of ours")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "RuntimeError: the engine is closed"


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    assert redacted(AssertionError()) == "AssertionError"
    assert redacted(KeyError(SECRET)) == "KeyError: …"
