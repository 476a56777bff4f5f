"""What an object store is, whichever it is.

A key is a path of plain names (`checked_key`). An object is there whole or not at all, and durable once a call that made it returned.
Calls block. Each raises Unavailable where the disk or the far end refuses; nothing of the object is then there that wasn't before.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol

from msgspec import Struct

from sv.model.errors import Unavailable
from sv.model.limits import MINUTE_MS

URL_LIFETIME_MS: Final = 15 * MINUTE_MS
"""The contract's, for a URL to upload to; those to download from live as long."""

_KEY: Final = re.compile(r"(?:[a-z0-9_][a-z0-9_.-]{0,127}/){0,7}[a-z0-9_][a-z0-9_.-]{0,127}", re.ASCII)
"""Small letters alone: on a file system that folds case two keys must not be one. No name begins with a dot."""


class Undeleted(Unavailable):
    """The store answers, and keeps these objects all the same: a bucket's lock, say. The others that were to be deleted are gone."""

    def __init__(self, keys: Iterable[str], reason: str) -> None:
        self.keys = frozenset(keys)
        self.reason = reason
        super().__init__(f"{len(self.keys)} objects of recordings can't be deleted: {reason}", retry_after_s=30)


class SignedUpload(Struct, frozen=True):
    """headers: must be sent just so. expires_ms: Unix milliseconds; an upload has to have begun by then."""

    url: str
    headers: dict[str, str]
    expires_ms: int


class ObjectStore(Protocol):
    """Thread-safe."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep `data`, in the place of what was there."""
        ...

    def get(self, key: str) -> bytes:
        """The object. Raises NotFound."""
        ...

    def stat(self, key: str) -> int | None:
        """The object's size in bytes; None where there is none."""
        ...

    def list(self, folder: str) -> dict[str, int]:
        """The size of each object right below a folder (a key's part before a slash), by key. {} where there is none."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects for good; those that aren't there are no error. Raises Undeleted, with the others gone, where some stay."""
        ...

    def presign_upload(self, key: str, size: int, content_type: str, *, origin: str, now_ms: int) -> SignedUpload:
        """A URL to which anybody may PUT exactly `size` bytes of that type, under that key, for URL_LIFETIME_MS.

        origin: where callers reach this server, as `https://stats.example.com`; for stores of its own alone.
        """
        ...

    def presign_download(self, key: str, content_type: str, *, origin: str, now_ms: int) -> str:
        """A URL from which anybody may GET the object for URL_LIFETIME_MS. It is answered so that a browser never runs it as a page."""
        ...


def checked_key(key: str) -> str:
    """The key itself. Raises ValueError for one that isn't plain: it could lead out of the store, or be two objects' at once."""
    if _KEY.fullmatch(key) is None:
        raise ValueError(f"expected a path of plain names, got {key[:100]!r} (key)")
    return key
