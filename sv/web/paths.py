"""Names in paths: people's ids, events' and properties' names, which may hold any character.

The server that calls us decodes a path whole, after which a `/` within a name can't be told from one between names. So the path that the
framework routes by is put together from the bytes that came, each segment decoded by itself, with `%` and `/` within it encoded again;
a handler takes such a parameter through `name_of`.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from sv.model.validate import repair


def keep_names_whole(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The scope with a path in which only slashes between names are slashes. Most paths are that already."""
    path: str = scope["path"]
    raw_path: bytes = scope.get("raw_path") or b""
    if "%" not in path and b"%2f" not in raw_path.lower():
        return scope
    segments = raw_path.decode("latin-1").split("/")
    whole = "/".join(unquote(segment).replace("%", "%25").replace("/", "%2F") for segment in segments)
    return {**scope, "path": whole}


def name_of(parameter: str) -> str:
    """The name that a path's parameter means, repaired as at ingest."""
    return repair(unquote(parameter))
