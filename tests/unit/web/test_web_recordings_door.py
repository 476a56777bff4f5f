"""Asking for a URL to upload a chunk to: what a request is told whose body doesn't come."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from sv.model.errors import Unavailable
from sv.web import recordings_door


def test_a_body_that_takes_too_long_is_asked_for_again_since_clients_drop_a_chunk_on_any_4xx(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recordings_door, "MAX_BODY_SECONDS", 0.01)

    async def ask() -> None:
        never: asyncio.Future[MutableMapping[str, Any]] = asyncio.get_running_loop().create_future()
        await recordings_door._small_body(lambda: never)

    with pytest.raises(Unavailable) as refused:
        asyncio.run(ask())
    assert (refused.value.status, refused.value.retry_after_s) == (503, 2)
