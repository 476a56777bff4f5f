"""Remembers what of an export is written, in a file by which a stopped export goes on.

The file is replaced as a whole after each piece, once that piece is on disk.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sv.exports.sources import Pairs, Plan
from sv.exports.targets import rename, sync
from sv.model.errors import BadFile, InvalidParameter

VERSION: Final = 1

MANIFEST: Final = "export.json"
"""What it is called in a folder of exported files."""

MAX_BYTES: Final = 1 << 24
"""Of a file that may be one: far more than the days of a century have."""


class Journal(Struct):
    """An export's state.

    project, asked: which export it is, as `describe` makes them. done: pieces that are written. bytes: up to where the file is good
    (an export into one file). files: written files with their events, in order (an export into a folder). is_finished: nothing is left.
    """

    version: int
    project: str
    asked: list[str]
    plan: Plan
    done: int = 0
    bytes: int = 0
    files: dict[str, int] = {}
    is_finished: bool = False


def describe(pairs: Pairs, kind: str) -> list[str]:
    """What identifies an export when it is run again: what was asked for, and the kind of its files."""
    return sorted([*(f"{name}={value}" for name, value in pairs), f"kind={kind}"])


def load(path: Path, project: str, asked: list[str]) -> Journal | None:
    """The state of the same export; None where there is none. Raises InvalidParameter for another export's."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Journal)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise BadFile(f"{path} can't be read: {error}; delete it to begin anew") from None
    if (found.version, found.project, found.asked) != (VERSION, project, asked):
        raise InvalidParameter(f"{path} is of another export; delete it to begin anew, or name another --output")
    return found


def look_at(path: Path) -> Journal | None:
    """The journal of whatever export this file is of; None where it is none."""
    try:
        return look_into(path.read_bytes()) if path.is_file() and path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def look_into(content: bytes) -> Journal | None:
    """The same of a file's content, or of its first bytes."""
    try:
        return msgspec.json.decode(content, type=Journal) if len(content) <= MAX_BYTES else None
    except msgspec.DecodeError:
        return None


def save(path: Path, journal: Journal) -> None:
    """Durable when it returns. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(journal), indent=1))
        sync(file)
    rename(temporary, path)
