"""Keys of chunks: `recordings/<project>/<session>/chunk_000042.json`.

A session's id is up to 200 characters of anything. One that is a plain name (a UUID is) stands for itself; any other is its SHA-256 behind
a `_`, with which no plain one begins. So no id leads out of its folder, and no two share one, also where a file system folds case.
"""

import hashlib
import re
from typing import Final

from msgspec import Struct

FOLDER: Final = "recordings"
CONTENT_TYPE: Final = "application/json"

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}", re.ASCII)
_KEY: Final = re.compile(r"recordings/([a-z0-9][a-z0-9_-]{0,63})/([a-z0-9_][a-z0-9-]{0,99})/chunk_([0-9]{6})\.json", re.ASCII)


class ChunkKey(Struct, frozen=True):
    """A key taken apart. folder: the session's name in it."""

    project_id: str
    folder: str
    index: int


def session_folder(session_id: str) -> str:
    """The session's name in keys."""
    if _PLAIN.fullmatch(session_id):
        return session_id
    return "_" + hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()


def folder_key(project_id: str, folder: str) -> str:
    """Above the session's chunks."""
    return f"{FOLDER}/{project_id}/{folder}"


def chunk_key(project_id: str, folder: str, index: int) -> str:
    """The chunk's."""
    return f"{folder_key(project_id, folder)}/chunk_{index:06}.json"


def parse_key(key: str) -> ChunkKey | None:
    """The reverse of `chunk_key`; None for any other key."""
    found = _KEY.fullmatch(key)
    return None if found is None else ChunkKey(found[1], found[2], int(found[3]))
