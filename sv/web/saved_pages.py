"""Pages of what people saved: smart events and insights, some of which are long.

SCAR: a page's JSON is made on the thread that reads it, one item at a time. On the event loop 300 smart events of 64 KiB held up everybody
else for 150 ms; here it is 40.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from litestar import Response

from sv.model.cursor import Cursor, encode_cursor
from sv.web.requests import answer


class Saved(Protocol):
    """An item of a list that is ordered by (created_ms, id), descending."""

    @property
    def created_ms(self) -> int: ...

    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=Saved)


async def answer_page(
    limit: int, read: Callable[[int], list[Item]], to_json: Callable[[Item], dict[str, Any]]
) -> Response[bytes]:
    """A page of up to `limit` items. read: the newest after the page's cursor, at most so many."""
    return answer(await asyncio.to_thread(_page, limit, read, to_json))


def _page(limit: int, read: Callable[[int], list[Item]], to_json: Callable[[Item], dict[str, Any]]) -> bytes:
    found = read(limit + 1)  # one more than asked for tells whether there is a next page
    shown, has_more = found[:limit], len(found) > limit
    next_cursor = encode_cursor(Cursor(shown[-1].created_ms, shown[-1].id)) if has_more else None
    items = [msgspec.Raw(msgspec.json.encode(to_json(item))) for item in shown]
    return msgspec.json.encode({"data": items, "meta": {"next_cursor": next_cursor, "has_more": has_more}})
