"""What the summaries of all kinds have in common: their pieces, and the hexadecimal form of ids."""

from collections.abc import Iterator
from typing import Final

import duckdb

from sv.engine.duck.summaries.known import Known

PIECE_ITEMS: Final = 2000
"""Items in one JSON text. SQLite takes a text apart whole, so its size bounds memory there; fewer would only be more statements."""

FETCHED_PIECES: Final = 4
"""Pieces that a reading holds at once."""

Row = tuple[str, str]
"""(project_id, JSON array of items)"""


def fetched(answer: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """The rows of a statement that was executed."""
    while pieces := answer.fetchmany(FETCHED_PIECES):
        yield from pieces


def in_pieces(items: str, known: Known, order: str = "") -> str:
    """(project_id, JSON array of items) of a select of (project_id, item), an item being JSON; in the order of these columns of it."""
    by_order = f"order by {order}" if order else ""
    if known.is_few:
        return f"select project_id, '[' || string_agg(item, ',' {by_order}) || ']' from ({items}) group by project_id"
    return f"""
    select project_id, '[' || string_agg(item, ',') || ']'
    from (
      select project_id, item, (row_number() over (partition by project_id {by_order}) - 1) // {PIECE_ITEMS} as piece
      from ({items})
    )
    group by project_id, piece
    order by project_id, piece
    """


def where(condition: str, aggregate: str, value: str, known: Known, *, by: str = "") -> str:
    """An aggregate, of those that skip nulls, over the rows that meet the condition; by: its second argument.

    A filter of an aggregate's own costs some tenths of a millisecond, however few rows there are, and less a row.
    """
    further = f", {by}" if by else ""
    if known.is_few:
        return f"{aggregate}(case when {condition} then {value} end{further})"
    return f"{aggregate}({value}{further}) filter (where {condition})"


def hex_id(uuid: str) -> str:
    """An event's id as 32 hexadecimal digits, which order as (timestamp, id) do: a UUIDv7 begins with its time."""
    return f"replace(({uuid})::varchar, '-', '')"
