"""Removes a person's events, and those that are too old, from the files that were set aside (`sv.store.aside`), which nobody but people
reads.

What can be read is rewritten without them; what can't be read, and files that don't say whose they are, are reported. Never deletes what
may hold something else.
"""

import errno
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from sv.model.errors import Unavailable
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.unwanted import Unwanted
from sv.store.aside import KeptAside, kept_aside, remove_aside
from sv.store.files import ASIDE, MIXED, write_durably
from sv.store.ports import Tables

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
"""What passes. Anything else that the disk refuses of a file may be so for ever, and other jobs wait."""

_EVERYTHING: Final = Unwanted(before_ms=MAX_TIMESTAMP_MS + 1)
_events: Final = msgspec.json.Decoder(list[dict[str, Any]])


def erase_aside(
    data_folder: Path, project_id: str, persons: Sequence[int], distinct_ids: Sequence[str], tables: Tables
) -> list[str]:
    """Returns the files that may still hold something of the person, relative to the data folder. Raises Unavailable, OSError where the
    disk is full."""

    def erase(kept: KeptAside) -> None:
        if kept.day is not None:
            _rewrite_file(data_folder, kept, Unwanted(persons=tuple(persons)), tables)
        else:
            _rewrite_batch(data_folder, kept, distinct_ids)

    return _each(data_folder, project_id, erase)


def expire_aside(data_folder: Path, project_id: str, before_ms: int, tables: Callable[[], Tables]) -> list[str]:
    """The same for events from before a moment, the beginning of a UTC day.

    A file of a day goes by that, unread; a batch by when it was set aside, for its events may have no time that can be read.
    """

    def expire(kept: KeptAside) -> None:
        if _is_overdue(kept, before_ms):
            remove_aside(data_folder, [kept])
        elif kept.day == MIXED:
            _rewrite_file(data_folder, kept, Unwanted(before_ms=before_ms), tables())

    return _each(data_folder, project_id, expire)


def is_overdue_aside(data_folder: Path, project_id: str, before_ms: int) -> bool:
    """Whether there is a file that is too old by its name or, for a batch, by its age. Raises OSError."""
    return any(kept.project_id == project_id and _is_overdue(kept, before_ms) for kept in kept_aside(data_folder))


def _each(data_folder: Path, project_id: str, act: Callable[[KeptAside], None]) -> list[str]:
    try:
        everything = kept_aside(data_folder)
    except OSError:
        return [ASIDE]
    left_behind: list[str] = []
    for kept in everything:
        try:
            if kept.project_id == project_id:
                act(kept)
            elif kept.project_id is None:
                left_behind.append(f"{ASIDE}/{kept.path.name}")
        except Exception as error:
            if isinstance(error, Unavailable) or (isinstance(error, OSError) and error.errno in _FULL):
                raise
            left_behind.append(f"{ASIDE}/{kept.path.name}")
    return left_behind


def _is_overdue(kept: KeptAside, before_ms: int) -> bool:
    if kept.day is None:
        return kept.path.stat().st_mtime_ns < before_ms * 1_000_000
    return kept.day != MIXED and kept.day < datetime.fromtimestamp(before_ms / 1000, UTC).date().isoformat()


def _rewrite_file(data_folder: Path, kept: KeptAside, unwanted: Unwanted, tables: Tables) -> None:
    path = kept.path
    if not tables.is_readable(path):
        raise ValueError(f"{path} can't be read")
    count = tables.count_unwanted(path, unwanted)
    if count and count == tables.count_unwanted(path, _EVERYTHING):
        remove_aside(data_folder, [kept])
    elif count:
        write_durably(path, lambda target: tables.write_without(path, unwanted, target))


def _rewrite_batch(data_folder: Path, kept: KeptAside, distinct_ids: Sequence[str]) -> None:
    path = kept.path
    events = _events.decode(path.read_bytes())
    others = [event for event in events if (event.get("userId") or event.get("anonymousId")) not in distinct_ids]
    if not others:
        remove_aside(data_folder, [kept])
    elif len(others) < len(events):
        modified = path.stat().st_mtime_ns
        write_durably(path, lambda target: _write_as_old(target, msgspec.json.encode(others), modified))


def _write_as_old(target: Path, content: bytes, modified_ns: int) -> None:
    """Rewrites a file and keeps its time of change: a batch's age is its file's."""
    target.write_bytes(content)
    os.utime(target, ns=(modified_ns, modified_ns))
