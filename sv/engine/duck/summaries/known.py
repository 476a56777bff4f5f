"""Looks at rows before they are summarised, so that each summary can leave out what no row has: of a few rows nearly all that a summary
costs is its operators. Which properties events have is asked of many rows only: with few, asking costs more than it saves."""

from typing import Any, Final

import duckdb
from msgspec import Struct

from sv.engine.duck.parsed import parsed
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.model.limits import MAX_PROPERTIES_PER_SUMMARY, MAX_PROPERTY_NAME_CHARS

FEW_ROWS: Final = 1000
"""Have no more than two items each in what is not of properties, which fits into one piece."""

LITTLE_BYTES: Final = 6 * MAX_PROPERTIES_PER_SUMMARY
"""Of properties: each takes six or more, so that there are not too many for a summary."""

MIN_ROWS: Final = 100_000
"""Whose properties are asked for: of 50,000 the further statements took as long as they saved, and longer. So of imports into a folder at
rest, and of files."""

SAMPLED: Final = 64
"""One row of so many is asked for the names of its properties."""

MAX_NAMES: Final = 10
"""Properties that are read column by column. What they cost grows with their square: eight take two thirds of what rows take, and many more
take longer than rows."""

LEAST_SHARE: Final = 0.7
"""Of the sample that has no other properties. With fewer of them, to look for both kinds costs more than it saves."""

MOST_NAMES: Final = 1.5
"""For each property that an event of the sample has: a column costs every row something, also where it hasn't the property."""

COLUMNS: Final = tuple(STRING_PROPERTY_COLUMNS.values())

TELLS_TRAITS: Final = "(event = '$identify' or contains(properties, '$set'))"
"""Whether an event may tell traits. A text without the quote that it would begin with: JSON is full of them."""


class Known(Struct, frozen=True):
    """What rows may have. Nothing is known of what is true here.

    columns: typed columns in which there may be values. has_bots: rows that are marked. has_traits: events that tell some. has_users: user
    ids. has_sessions, has_runs: rows with a session id, rows without. is_few: at most FEW_ROWS rows. is_little: of them, with at most
    LITTLE_BYTES of properties. names: of properties that many rows have, the most frequent first, none like another but for the case.
    """

    columns: tuple[str, ...] = COLUMNS
    has_bots: bool = True
    has_traits: bool = True
    has_users: bool = True
    has_sessions: bool = True
    has_runs: bool = True
    is_few: bool = False
    is_little: bool = False
    names: tuple[str, ...] = ()


NOTHING: Final = Known()


def look(cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, Any], count: int, size: int) -> Known:
    """rows: a select of so many rows, of so many bytes of properties, with `place` and the columns that summaries take."""
    # Of ordinary rows all columns or none, so that the summaries' statements have few texts and stay parsed.
    columns = COLUMNS if count >= MIN_ROWS else (f"coalesce({', '.join(COLUMNS)})",)
    conditions = ("is_bot", TELLS_TRAITS, "user_id is not null", "session_id is not null", "session_id is null")
    asked = ", ".join(
        f"coalesce(bool_or({condition}), false)" for condition in (*conditions, *(f"{column} is not null" for column in columns))
    )
    (found,) = cursor.execute(parsed(cursor, f"select {asked} from ({rows})"), params).fetchall()
    (bots, traits, users, sessions, runs), filled = found[: len(conditions)], found[len(conditions) :]
    if count < MIN_ROWS:
        is_few = count <= FEW_ROWS
        is_little = is_few and size <= LITTLE_BYTES
        return Known(COLUMNS if filled[0] else (), bots, traits, users, sessions, runs, is_few, is_little)
    columns = tuple(name for name, is_filled in zip(COLUMNS, filled, strict=True) if is_filled)
    return Known(columns, bots, traits, users, sessions, runs, names=_names(cursor, rows, params))


def _names(cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, Any]) -> tuple[str, ...]:
    """`names` of `Known`."""
    sampled = f"select json_keys(properties) as held from ({rows}) where place % {SAMPLED} = 0"
    listed = cursor.execute(
        f"""
        select name from (select unnest(held) as name from ({sampled})) group by name order by count(*) desc, name limit {MAX_NAMES}
        """,
        params,
    )
    names: dict[str, str] = {}
    for (name,) in listed.fetchall():
        if 0 < len(name) <= MAX_PROPERTY_NAME_CHARS:
            names.setdefault(name.casefold(), name)
    kept = list(names.values())
    regular = "coalesce(avg(list_has_all($kept::varchar[], held)::integer), 0), coalesce(avg(len(held)), 0)"
    ((share, members),) = cursor.execute(f"select {regular} from ({sampled})", params | {"kept": kept}).fetchall()
    return tuple(kept) if share >= LEAST_SHARE and len(kept) <= MOST_NAMES * members else ()
