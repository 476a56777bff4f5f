"""Looks at rows before they are summarised, so that each summary can skip what no row has. For many rows only: with few, looking costs more
than it saves."""

from typing import Any, Final

import duckdb
from msgspec import Struct

from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.model.limits import MAX_PROPERTY_NAME_CHARS

MIN_ROWS: Final = 100_000
"""That are looked at: of 50,000 the further statements took as long as they saved, and longer. So of imports into a folder at rest, and of
files."""

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


class Known(Struct, frozen=True):
    """columns: typed columns in which there may be values. has_bots: whether there may be rows that are marked. names: of properties that
    many rows have, the most frequent first, none like another but for the case."""

    columns: tuple[str, ...] = COLUMNS
    has_bots: bool = True
    names: tuple[str, ...] = ()


NOTHING: Final = Known()
"""Is known of few rows."""


def look(cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, Any]) -> Known:
    """rows: a select with `place` and the columns that summaries take."""
    counts = ", ".join(f"count({name})" for name in COLUMNS)
    ((has_bots, *filled),) = cursor.execute(f"select coalesce(bool_or(is_bot), false), {counts} from ({rows})", params).fetchall()
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
    pays = share >= LEAST_SHARE and len(kept) <= MOST_NAMES * members
    columns = tuple(name for name, count in zip(COLUMNS, filled, strict=True) if count)
    return Known(columns, has_bots, tuple(kept) if pays else ())
