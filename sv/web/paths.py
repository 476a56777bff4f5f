"""Names in paths: distinct ids and names of events and properties, which may hold any character.

The server decodes a path as a whole, after which a `/` within a name can't be told from one between names. So the path that the framework
routes by is built from the raw bytes: each segment is decoded by itself, with `%` and `/` in it encoded again. A handler reads such a
parameter through `name_of`.

Browsers and other clients resolve `.` and `..` before they send a request, percent-encoded or not. So a name that is one of these is
written `=.` or `=..`; one that begins with `=` itself has it as `%3D`, as every client encodes it.
"""

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import unquote

from sv.model.validate import repair

DOTS: Final = {"=.": "%2E", "=..": "%2E%2E"}
"""By segments as they came, what they are routed as."""


def keep_names_whole(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The scope with a path in which only slashes between names are slashes. Most paths are that already."""
    path: str = scope["path"]
    raw_path: bytes = scope.get("raw_path") or b""
    if "%" not in path and "/=." not in path and b"%2f" not in raw_path.lower():
        return scope
    segments = raw_path.decode("latin-1").split("/")
    whole = "/".join(DOTS.get(each) or unquote(each).replace("%", "%25").replace("/", "%2F") for each in segments)
    return {**scope, "path": whole}


def name_of(parameter: str) -> str:
    """The name that a path's parameter means, repaired as at ingest."""
    return repair(unquote(parameter))
