"""Pages of what people saved: where they are worked out, and where they end."""

import asyncio
import threading
from typing import Any

import msgspec

from sv.model.cursor import Cursor, encode_cursor
from sv.web.saved_pages import answer_page


class Item(msgspec.Struct, frozen=True):
    created_ms: int
    id: str


ITEMS = [Item(3, "c"), Item(2, "b"), Item(1, "a")]


def page(limit: int) -> tuple[dict[str, Any], set[str]]:
    """The answer, and the threads that worked on its items."""
    threads: set[str] = set()

    def to_json(item: Item) -> dict[str, Any]:
        threads.add(threading.current_thread().name)
        return {"id": item.id}

    answer = asyncio.run(answer_page(limit, lambda most: ITEMS[:most], to_json))
    assert answer.media_type == "application/json"
    return msgspec.json.decode(answer.content), threads


def test_items_are_encoded_elsewhere_than_on_the_event_loop() -> None:
    assert threading.current_thread().name not in page(3)[1]


def test_a_page_names_the_next_one_only_where_there_is_one() -> None:
    assert page(2)[0] == {
        "data": [{"id": "c"}, {"id": "b"}],
        "meta": {"next_cursor": encode_cursor(Cursor(2, "b")), "has_more": True},
    }
    assert page(3)[0]["meta"] == {"next_cursor": None, "has_more": False}
