"""A person's events in what was set aside: damaged files, files that no catalog row named, batches that the engine could not take.

Nobody reads these but people. Answers for a person not lying on in them: what can be read is written anew without the person, what can't
is named. Assumes the names that `sv.store` gives. Never deletes what it can't read.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sv.model.errors import Unavailable
from sv.model.unwanted import Unwanted
from sv.store.files import ASIDE, write_durably
from sv.store.ports import Tables

_FILE: Final = re.compile(r"events__project=(.+?)__day=[^_]+__.+\.parquet(?:\.[0-9]+)?")
_BATCH: Final = re.compile(r"batch-[0-9a-f]{16}-(.+)\.json")
_events: Final = msgspec.json.Decoder(list[dict[str, Any]])


def erase_aside(
    data_folder: Path, project_id: str, persons: Sequence[int], distinct_ids: Sequence[str], tables: Tables
) -> list[str]:
    """Returns the files of the project that can't be read, relative to the data folder. Raises Unavailable, OSError."""
    left_behind: list[str] = []
    for path in sorted((data_folder / ASIDE).glob("*")):
        named = _FILE.fullmatch(path.name)
        batch = _BATCH.fullmatch(path.name)
        try:
            if named is not None and named[1] == project_id:
                _rewrite_file(path, Unwanted(persons=tuple(persons)), tables)
            elif batch is not None and batch[1] == project_id:
                _rewrite_batch(path, distinct_ids)
        except (Unavailable, OSError):
            raise
        except Exception:
            left_behind.append(f"{ASIDE}/{path.name}")
    return left_behind


def _rewrite_file(path: Path, unwanted: Unwanted, tables: Tables) -> None:
    if not tables.is_readable(path):
        raise ValueError(f"{path} can't be read")
    if tables.count_unwanted(path, unwanted):
        write_durably(path, lambda target: tables.write_without(path, unwanted, target))


def _rewrite_batch(path: Path, distinct_ids: Sequence[str]) -> None:
    events = _events.decode(path.read_bytes())
    others = [event for event in events if (event.get("userId") or event.get("anonymousId")) not in distinct_ids]
    if len(others) < len(events):
        write_durably(path, lambda target: target.write_bytes(msgspec.json.encode(others)))
