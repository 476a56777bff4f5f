"""A copy of a data folder, taken beside a running server or at rest, into a folder that may hold an earlier one.

What is acknowledged before `take` begins is in it. The order is what makes it so; the server is asked for nothing and waits for nothing:

    log         a record of before is in these segments, or was let go of, which happens only once the catalog covers it (WAL-5)
    catalog     `sv.db` in one moment: it covers whatever the log had let go of by then (META-3)
    log again   what the rollups have folded by that moment is in these (ROLLUP-1). Where a whole segment came and went in between, all
                three are copied anew
    parts       those that this catalog lists. Where a merge has replaced one meanwhile, it begins anew, with less left to copy
    the rest    answers to retries, chunks of recordings that this catalog knows, what was set aside
    manifest    renamed into its place when all of it is on disk; files that it doesn't name are removed after that

So a copy that is cut off leaves the one before it whole. A file that the target has (name, size and time of change) isn't copied again.
Never writes to the data folder.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from sv.backup.manifest import FILES, VERSION, Kept, Manifest, read_manifest, write_manifest
from sv.meta.copied import CopiedMeta, copy_metadata, has_chunk
from sv.meta.errors import FolderInUse, FolderUnusable
from sv.meta.folder import refuse_half_restored
from sv.meta.lock import LOCK_NAME, FolderLock, read_holder
from sv.model.data_folder import CATALOG, MANIFEST
from sv.model.errors import Unavailable
from sv.model.redaction import os_message
from sv.store.files import has_catalog, refuse_lost_catalog, write_durably
from sv.wal.copying import copy_segments, missing_seqs

TRIES: Final = 20
"""Copies of log and catalog, while segments come and go or merges take away files. Each has less to copy."""

PIECE_BYTES: Final = 1 << 20

REST: Final = ("retries", "objects/recordings", "aside", "log/aside")

Progress = Callable[[int, int], None]
"""(bytes of event files done, bytes in all)"""


class Taken(Struct, frozen=True):
    """The outcome of a copy. copied_bytes: of files that were new. missing: files that the catalog lists and the folder doesn't have.
    unreadable: files that can't be read from the disk, and that the previous copy doesn't have."""

    manifest: Manifest
    copied_files: int
    copied_bytes: int
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    missing_records: int


class Unreadable(OSError):
    """The disk doesn't give a file's bytes: it is damaged where they are."""


class _Replaced(Exception):
    """A file that the catalog listed is not there any more."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def take(data: Path, target: Path, now_ms: Callable[[], int], progress: Progress) -> Taken:
    """Take a copy. Raises FolderUnusable for folders that it can't be taken of or into, and Unavailable."""
    try:
        _judge_folders(data, target)
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        (target / FILES).mkdir(mode=0o700, exist_ok=True)
        with _locked(target, now_ms()):
            return _Taking(data, target, now_ms, progress).run()
    except OSError as error:
        raise Unavailable(f"the copy can't be taken: {os_message(error)}") from error


def _locked(target: Path, now_ms: int) -> FolderLock:
    """One backup at a time. What the lock says is about data folders, and what to do about one with --data: in these words here."""
    try:
        return FolderLock.acquire(target, now_ms=now_ms)
    except FolderInUse as error:
        holder = read_holder(target) or "another process"
        raise FolderInUse(f"another backup into {target} is being taken, by {holder}") from error
    except FolderUnusable as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def _judge_folders(data: Path, target: Path) -> None:
    refuse_lost_catalog(data)
    if not has_catalog(data):
        raise FolderUnusable(f"{data} is no data folder: it has no {CATALOG}, or nothing is in it. Name another one with --data")
    refuse_half_restored(data)
    inner, outer = target.resolve(), data.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise FolderUnusable(f"the copy can't lie in the data folder, nor around it: {target}, {data}")
    ours = {LOCK_NAME, MANIFEST, f"{MANIFEST}.tmp", FILES, "lost+found"}
    if target.is_dir() and (foreign := {path.name for path in target.iterdir()} - ours):
        raise FolderUnusable(
            f"{target} holds something else ({sorted(foreign)[0]}); choose an empty folder, or one that holds a backup"
        )


class _Taking:
    def __init__(self, data: Path, target: Path, now_ms: Callable[[], int], progress: Progress) -> None:
        self._data = data
        self._target = target
        self._now_ms = now_ms
        self._progress = progress
        before = read_manifest(target)
        self._folder_id = before.folder_id if before is not None else None
        self._serial = before.serial + 1 if before is not None else 1
        self._known = {kept.path: kept for kept in before.files} if before is not None else {}
        self._taken = {kept.stored for kept in self._known.values()}
        self._copied: dict[str, int] = {}
        self._unreadable: set[str] = set()

    def run(self) -> Taken:
        began_ms = self._now_ms()
        absent: set[str] = set()
        for _ in range(TRIES):
            self._unreadable.clear()
            moment_ns = self._now_ms() * 1_000_000
            meta, missing_records = self._copy_log_and_catalog()
            try:
                parts = list(self._copy_parts(meta, absent))
                break
            except _Replaced as gone:
                absent = self._listed_and_absent(meta, gone.path)
        else:
            raise Unavailable(f"event files were replaced faster than they could be copied, {TRIES} times; try again")
        rest = self._copy_rest(moment_ns)
        files = (*self._own("log", CATALOG), *parts, *rest)
        manifest = Manifest(VERSION, self._serial, meta.folder_id, began_ms, files)
        write_manifest(self._target, manifest)
        _remove_others(self._target / FILES, {kept.stored for kept in files})
        missing = tuple(path for path, _ in meta.parts if path in absent)
        return Taken(
            manifest, len(self._copied), sum(self._copied.values()), missing, tuple(sorted(self._unreadable)), missing_records
        )

    # Log and catalog: new ones each time, under this copy's number

    def _copy_log_and_catalog(self) -> tuple[CopiedMeta, int]:
        for _ in range(TRIES):
            meta, missing = self._try_log_and_catalog()
            if not missing:
                return meta, 0
        return self._try_log_and_catalog()  # records that stay missing are so in the folder itself

    def _try_log_and_catalog(self) -> tuple[CopiedMeta, int]:
        self._clear_own()
        highest = copy_segments(self._data / "log", 0, self._put_segment)
        meta = copy_metadata(self._data / CATALOG, self._own_folder / CATALOG)
        if self._folder_id not in (None, meta.folder_id):
            raise FolderUnusable(f"{self._target} holds a backup of another data folder")
        copy_segments(self._data / "log", highest, self._put_segment)
        return meta, missing_seqs(self._own_folder / "log", meta.covered_seq, meta.rolled_seq)

    @property
    def _own_folder(self) -> Path:
        return self._target / FILES / f"copy-{self._serial}"

    def _clear_own(self) -> None:
        (self._own_folder / "log").mkdir(parents=True, exist_ok=True)
        for path in (*(self._own_folder / "log").iterdir(), *self._own_folder.glob(f"{CATALOG}*")):
            path.unlink()

    def _put_segment(self, name: str, data: bytes) -> None:
        write_durably(self._own_folder / "log" / name, lambda temporary: temporary.write_bytes(data))

    def _own(self, *names: str) -> Iterator[Kept]:
        for name in names:
            top = self._own_folder / name
            for path in sorted(top.iterdir()) if top.is_dir() else [top]:
                stat = path.stat()
                kept_as = str(path.relative_to(self._own_folder))
                self._copied[kept_as] = stat.st_size
                yield Kept(kept_as, str(path.relative_to(self._target / FILES)), stat.st_size, stat.st_mtime_ns, digest(path))

    # Files that stay as they are

    def _copy_parts(self, meta: CopiedMeta, absent: set[str]) -> Iterator[Kept]:
        total, done = sum(size for _, size in meta.parts), 0
        self._progress(done, total)
        for path, size in meta.parts:
            if path not in absent:
                yield from self._copy_if_readable(path)
            done += size
            self._progress(done, total)

    def _listed_and_absent(self, meta: CopiedMeta, gone: str) -> set[str]:
        """Parts that a catalog of before listed and the folder hasn't: replaced, or, where the next catalog lists them too, lost."""
        return {gone, *(path for path, _ in meta.parts if not (self._data / path).exists())}

    def _copy_rest(self, moment_ns: int) -> list[Kept]:
        """SCAR: a chunk of a recording that came after the catalog's moment has no row in it, and nobody could ever erase it. What is
        younger than the copy's beginning may have one all the same: it came before that moment, or the clock was put back since."""
        kept: list[Kept] = []
        for folder in REST:
            for path in sorted((self._data / folder).rglob("*")):
                try:
                    is_late = folder.startswith("objects/") and path.stat().st_mtime_ns > moment_ns
                    if path.is_file() and path.suffix != ".tmp" and not (is_late and not self._is_known(path)):
                        kept += self._copy_if_readable(str(path.relative_to(self._data)))
                except (FileNotFoundError, _Replaced):
                    continue
        return kept

    def _is_known(self, chunk: Path) -> bool:
        project, session, name = chunk.parts[-3:]
        index = name.removeprefix("chunk_").removesuffix(".json")
        return index.isdecimal() and has_chunk(self._own_folder / CATALOG, project, session, int(index))

    def _copy_if_readable(self, path: str) -> Iterator[Kept]:
        """A disk that begins to fail is no reason to have no copy of the rest."""
        try:
            yield self._copy(path)
        except Unreadable:
            self._unreadable.add(path)

    def _copy(self, path: str) -> Kept:
        """Raises _Replaced where there is no such file any more."""
        known = self._known.get(path)
        try:
            stat = (self._data / path).stat()
            if known is not None and (known.size, known.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
                copy = self._target / FILES / known.stored
                if copy.exists() and copy.stat().st_size == known.size:
                    return known
            stored = path if path not in self._taken else f"{path}.{self._serial}"
            copy = self._target / FILES / stored
            if copy.exists() and (copy.stat().st_size, copy.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns):
                return Kept(path, stored, stat.st_size, stat.st_mtime_ns, digest(copy))  # by a copy that was cut off
            return self._copy_file(path, stored)
        except FileNotFoundError as error:
            raise _Replaced(path) from error

    def _copy_file(self, path: str, stored: str) -> Kept:
        size, mtime_ns, sha256 = write_durably(
            self._target / FILES / stored, lambda temporary: copy_file(self._data / path, temporary)
        )
        self._copied[path] = size
        return Kept(path, stored, size, mtime_ns, sha256)


def copy_file(source: Path, target: Path, most: int | None = None) -> tuple[int, int, str]:
    """Copy the bytes and the time of change. Returns size, time (ns) and SHA-256 of what was read.

    most: of a backup, which may be anybody's work: where the file is longer it is read not much further, and a link, which would lead
    somewhere else, is not followed. Raises OSError, also for what is no regular file, and Unreadable.
    """
    sha256, size = hashlib.sha256(), 0
    opened = os.open(source, os.O_RDONLY | os.O_NONBLOCK | (0 if most is None else os.O_NOFOLLOW))
    with os.fdopen(opened, "rb") as reading, target.open("wb") as writing:
        os.fchmod(writing.fileno(), 0o600)
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(source))
        mtime_ns = found.st_mtime_ns
        while (most is None or size <= most) and (piece := _next_piece(reading, source)):
            sha256.update(piece)
            writing.write(piece)
            size += len(piece)
    os.utime(target, ns=(mtime_ns, mtime_ns))
    return size, mtime_ns, sha256.hexdigest()


def _next_piece(reading: BinaryIO, source: Path) -> bytes:
    try:
        return reading.read(PIECE_BYTES)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise Unreadable(error.errno, error.strerror, str(source)) from error


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_others(files: Path, stored: set[str]) -> None:
    paths = sorted(files.rglob("*"), reverse=True)  # what is in a folder comes before it
    for path in paths:
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif str(path.relative_to(files)) not in stored:
            path.unlink()
