"""Cancels the work on a request when its caller disconnects: a page that was left, a script that was stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from sv.model.errors import InvalidParameter

Result = TypeVar("Result")
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`. receive: of a request whose body has been read, or doesn't matter.

    When the caller disconnects the work is cancelled, and InvalidParameter is raised, which nobody will read.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise InvalidParameter("the connection ended before the answer")
    finally:
        working.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
