"""Objects in a folder of the server's own.

    objects/recordings/…    an object at its key
    objects/incoming/…      uploads on their way; whatever is there at the start is of a dead process, and swept

# INVARIANT OBJ-1: an object appears under its key whole or not at all, and is durable when `finish` returns: written beside it, synced,
# renamed, the folder synced. One that `delete` returned for doesn't come back after a power cut: the folder is synced before.
"""

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import BinaryIO, Final

from sv.model.errors import NotFound, Unavailable
from sv.objects.port import SignedUpload, Undeleted, checked_key
from sv.objects.signing import UrlSigner

log = logging.getLogger(__name__)

INCOMING: Final = "incoming"
RENAME_TRIES: Final = 10
"""A folder may be cleared away, empty, between being made and the rename into it."""


class FolderStore:
    """An `ObjectStore`. `folder` is made when first needed; `choose_name` makes up a name for an upload on its way."""

    def __init__(self, folder: Path, signer: UrlSigner, choose_name: Callable[[], str] = lambda: secrets.token_hex(16)) -> None:
        self._folder = folder
        self._signer = signer
        self._choose_name = choose_name
        self._making = threading.Lock()

    def begin(self, key: str) -> "Upload":
        """An upload under that key, to be written piece by piece."""
        target = self._path(key)
        with _refusals():
            incoming = self._folder / INCOMING
            self._make_folder(incoming)
            return Upload(incoming / self._choose_name(), target, self._make_folder)

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - a folder keeps no types: URLs carry them
        upload = self.begin(key)
        try:
            upload.write(data)
            upload.finish()
        finally:
            upload.abandon()

    def open(self, key: str) -> tuple[BinaryIO, int]:
        """The object as an open file and its size: one state of it, whatever replaces or deletes it meanwhile. Raises NotFound."""
        with _refusals():
            try:
                file = self._path(key).open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise NotFound(f"no object {key!r} (key)") from None
            return file, os.fstat(file.fileno()).st_size

    def get(self, key: str) -> bytes:
        file, _ = self.open(key)
        with file, _refusals():
            return file.read()

    def stat(self, key: str) -> int | None:
        with _refusals():
            try:
                return self._path(key).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, folder: str) -> dict[str, int]:
        found: dict[str, int] = {}
        with _refusals(), contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._path(folder)) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # one that goes meanwhile takes no other with it
                    if entry.is_file():
                        found[f"{folder}/{entry.name}"] = entry.stat().st_size
        return found

    def delete(self, keys: Iterable[str]) -> None:
        touched: set[Path] = set()
        kept: dict[str, str] = {}
        with _refusals():
            for key in keys:
                path = self._path(key)
                try:
                    path.unlink()
                except (FileNotFoundError, NotADirectoryError):
                    pass
                except OSError as error:
                    kept[key] = error.strerror or "it was refused"
                touched.add(path.parent)
            while touched:  # each folder once, then those above the ones that are gone
                touched = {folder.parent for folder in sorted(touched) if self._has_gone(folder)}
        if kept:
            raise Undeleted(kept, ", ".join(sorted(set(kept.values()))))

    def presign_upload(self, key: str, size: int, content_type: str, *, origin: str, now_ms: int) -> SignedUpload:
        path, expires_ms = self._signer.sign("PUT", key, size, content_type, now_ms)
        return SignedUpload(origin + path, {"Content-Type": content_type}, expires_ms)

    def presign_download(self, key: str, content_type: str, *, origin: str, now_ms: int) -> str:
        return origin + self._signer.sign("GET", key, None, content_type, now_ms)[0]

    def sweep(self) -> int:
        """Remove what dead processes left half written. At the start alone: it can't tell them from living ones. Returns how many."""
        count = 0
        for path in (self._folder / INCOMING).glob("*"):
            with contextlib.suppress(OSError):
                path.unlink()
                count += 1
        return count

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)

    def _make_folder(self, folder: Path) -> None:
        """Make it durably. One at a time: who finds a folder there may rely on its being on disk."""
        with self._making:
            missing: list[Path] = []
            while not folder.is_dir():
                missing.append(folder)
                folder = folder.parent
            for made in reversed(missing):
                made.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(made.parent)

    def _has_gone(self, folder: Path) -> bool:
        """Make removals in a folder last. True if it was empty and is gone: the folder above is then to be synced instead."""
        if folder != self._folder:
            try:
                folder.rmdir()
                return True
            except FileNotFoundError:  # another thread took it away, or it never was
                return True
            except OSError:  # something is in it
                pass
        with contextlib.suppress(FileNotFoundError):
            _sync_folder(folder)
        return False


class Upload:
    """One object on its way in: `write` as often as needed, then `finish`; `abandon` always, which does nothing after `finish`.

    Every method but `abandon` raises Unavailable where the disk refuses.

    SCAR: the lock keeps `abandon`, called when a request is cancelled, from closing a descriptor that a write on a thread still uses: it
    would be another file's by then.
    """

    def __init__(self, temporary: Path, target: Path, make_folder: Callable[[Path], None]) -> None:
        self._temporary = temporary
        self._target = target
        self._make_folder = make_folder
        self._fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._is_done = False
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Append a piece."""
        rest = memoryview(data)
        with self._lock, _refusals():
            while rest:  # a write may be short, and says so; the next one then says why
                rest = rest[os.write(self._fd, rest) :]

    def finish(self) -> None:
        """Make it durable, and visible under its key in the place of what was there (OBJ-1)."""
        with self._lock, _refusals():
            os.fsync(self._fd)
            for _ in range(RENAME_TRIES):
                self._make_folder(self._target.parent)
                try:
                    os.rename(self._temporary, self._target)
                    _sync_folder(self._target.parent)
                    self._is_done = True
                    return
                except FileNotFoundError:
                    if not self._temporary.exists():
                        raise
            raise Unavailable("the folder of recordings is being cleared away; try again")

    def abandon(self) -> None:
        """Give back what it holds, and the bytes too unless they are finished."""
        with self._lock:
            if self._fd < 0:
                return
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
            if not self._is_done:
                with contextlib.suppress(OSError):
                    self._temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _refusals() -> Generator[None]:
    """The operating system's refusals as ours."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the folder of recordings can't be written or read: {error.strerror}", retry_after_s=30) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
