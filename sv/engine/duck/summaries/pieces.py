"""What the summaries of all kinds have in common: their pieces, and the hexadecimal form of ids."""

from collections.abc import Iterator
from typing import Final

import duckdb

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


def in_pieces(items: str) -> str:
    """(project_id, JSON array of items) of a select of (project_id, item), an item being JSON."""
    return f"""
    select project_id, '[' || string_agg(item, ',') || ']'
    from (
      select project_id, item, (row_number() over (partition by project_id) - 1) // {PIECE_ITEMS} as piece
      from ({items})
    )
    group by project_id, piece
    """


def hex_id(uuid: str) -> str:
    """An event's id as 32 hexadecimal digits, which order as (timestamp, id) do: a UUIDv7 begins with its time."""
    return f"replace(({uuid})::varchar, '-', '')"
