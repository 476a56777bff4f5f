"""What a copy of the metadata says about the files that belong to it. Reads a file that nobody writes, of this release or an older one."""

from contextlib import closing
from pathlib import Path

import apsw
from msgspec import Struct

from sv.meta.db import copy_database
from sv.meta.errors import FolderDamaged


class CopiedMeta(Struct, frozen=True):
    """parts: (path, bytes) of each live part. covered_seq: the log position up to which events are in parts; rolled_seq: up to which they
    are in the rollups."""

    folder_id: str
    parts: tuple[tuple[str, int], ...]
    covered_seq: int
    rolled_seq: int


def copy_metadata(source: Path, target: Path) -> CopiedMeta:
    """Copy the metadata in one moment, and say what it names. Raises what `copy_database` does."""
    copy_database(source, target)
    with closing(apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READONLY)) as copy:
        names = copy.execute("select folder_id from instance").fetchall()
        if not names:
            raise FolderDamaged(f"{source} says of no folder that it is its own; a server has to have been started on it once")
        parts = copy.execute("select path, bytes from parts where state = 'live' order by part_id").fetchall()
        counters = {str(name): value for name, value in copy.execute("select name, value from counters")}
    positions = [int(str(counters.get(name, 0))) for name in ("wal_covered_seq", "rolled_seq")]
    return CopiedMeta(str(names[0][0]), tuple((str(path), int(str(size))) for path, size in parts), *positions)


def has_chunk(copy: Path, project_id: str, folder: str, index: int) -> bool:
    """Whether a copy of the metadata knows a chunk of a recording."""
    with closing(apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)) as opened:
        sql = """
            select 1 from recording_sessions s join recording_chunks c on c.recording = s.recording
            where s.project_id = ? and s.folder = ? and c.chunk_index = ?
        """
        return bool(opened.execute(sql, (project_id, folder, index)).fetchall())
