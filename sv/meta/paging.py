"""A page of a list that is newest first, by key: the items older than the last one of the page before."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from sv.meta.db import Meta, Row, Value
from sv.model.paging import PageQuery

ANY_OF: Final = "(select value from json_each(?))"
"""In SQL, after `in`: the texts of a `json_list`."""


def json_list(texts: Iterable[str]) -> str:
    """Texts as one value to bind, in the place of `ANY_OF`'s `?`."""
    return json.dumps(list(texts))


def read_page(
    meta: Meta,
    select: str,
    conditions: Sequence[tuple[str, Value]],
    query: PageQuery,
    *,
    ts: str = "created_ms",
    id_column: str = "id",
) -> list[Row]:
    """Up to one row more than the page has, which says that there are more.

    conditions: pieces of SQL with one `?` each, all of which must hold, and their values. ts, id_column: what the list is ordered by.
    """
    wheres = [sql for sql, _ in conditions]
    values = [value for _, value in conditions]
    if query.after is not None:
        wheres.append(f"({ts}, {id_column}) < (?, ?)")
        values += [query.after.ts, query.after.id]
    where = f"where {' and '.join(wheres)}" if wheres else ""
    return meta.rows(f"{select} {where} order by {ts} desc, {id_column} desc limit ?", *values, query.limit + 1)
