"""What was found broken, counted for metrics, and the bytes of it copied aside for whoever wants to look.

Answers for: `DamageReport` and the folder `aside/`. Never deletes or changes anything that is damaged, and
never raises for a copy that could not be made: the caller then keeps the original.
"""

import contextlib
import logging
import os
from pathlib import Path

from msgspec import Struct

from sv.wal.disk import Disk, write_all

log = logging.getLogger(__name__)

ASIDE = "aside"
"""The folder, inside the log's own, that damaged bytes are copied to."""


class DamageReport(Struct):
    """Counters, all 0 for a sound log. The first four are of the last opening, the others of the last replay.

    `foreign_files`: names that the log didn't give, files of a newer format, and doubles of a segment.
    `unreadable_files`: files of the log that could not be opened, or held no readable header and no frame.
    `unused_files`: segments without a record, as a crash between naming and first use leaves them; harmless.
    `damaged_headers`: segments of whose two header copies at least one was bad.
    `torn_tails`, `torn_bytes`: ends of a last segment that were begun and not finished; never acknowledged.
    `damaged_ranges`, `damaged_bytes`: what did not check out before or between whole frames.
    `unreadable_bytes`: what the disk gave an error for.
    `missing_records`: sequence numbers above the replay's start that the log gave away and no longer has;
    where a part of the last segment could once not be read, the most that it could have held.
    """

    foreign_files: int = 0
    unreadable_files: int = 0
    unused_files: int = 0
    damaged_headers: int = 0
    torn_tails: int = 0
    torn_bytes: int = 0
    damaged_ranges: int = 0
    damaged_bytes: int = 0
    unreadable_bytes: int = 0
    missing_records: int = 0

    def restart_replay(self) -> None:
        """Sets the counters that a replay fills back to 0."""
        self.torn_tails = self.torn_bytes = self.damaged_ranges = self.damaged_bytes = 0
        self.unreadable_bytes = self.missing_records = 0


def set_aside(disk: Disk, folder: Path, name: str, start: int, data: bytes) -> bool:
    """Copies bytes that stood at offset `start` of file `name` to `aside/`, durably; says whether they are
    there.

    Trailing zeros are left off, and nothing but zeros needs no copy. The copy's name is that of the file and
    the range, so a range that every start finds again is copied once.
    """
    data = data.rstrip(b"\0")
    if not data:
        return True
    aside = folder / ASIDE
    copy = aside / f"{name}.{start}-{start + len(data)}"
    part = copy.with_name(copy.name + ".tmp")
    try:
        if copy.exists() and copy.stat().st_size == len(data):
            return True
        aside.mkdir(mode=0o700, exist_ok=True)
        fd = disk.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(disk, fd, [data], 0)
            disk.sync_data(fd)
        finally:
            disk.close(fd)
        disk.rename(part, copy)
        disk.sync_folder(aside)
        disk.sync_folder(folder)
    except OSError as error:
        with contextlib.suppress(OSError):  # what there is of it would take the room that was missing
            disk.unlink(part)
        log.error("can't copy %d damaged bytes of %s aside: %s", len(data), name, error)
        return False
    log.warning("copied %d damaged bytes of %s, from offset %d, to %s", len(data), name, start, copy)
    return True
