"""Files that an export writes: what they are by their names, how they are compressed, and that they are on disk.

Each piece of an export is compressed by itself. What several of them make, one after the other, is one file to every reader of gzip and
zstd, and can be cut off after any piece.
"""

import contextlib
import fcntl
import os
import zlib
from collections.abc import Generator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, Protocol

from msgspec import Struct

from sv.model.errors import InvalidParameter
from sv.model.exports import ExportFormat

GZIP_LEVEL: Final = 6
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


SUFFIXES: Final = {Compression.NONE: "", Compression.GZIP: ".gz", Compression.ZSTD: ".zst"}
_FORMATS: Final = {
    ".ndjson": ExportFormat.NDJSON,
    ".jsonl": ExportFormat.NDJSON,
    ".csv": ExportFormat.CSV,
    ".parquet": ExportFormat.PARQUET,
}


class Kind(Struct, frozen=True):
    """A file's format and compression."""

    format: ExportFormat
    compression: Compression

    @property
    def suffix(self) -> str:
        return f".{self.format}{SUFFIXES[self.compression]}"


def kind_of(name: str, said_format: str | None, said_compression: str | None) -> Kind:
    """What a file of this name is, unless the user says otherwise; NDJSON where nobody says. Raises InvalidParameter."""
    base = name
    compression = Compression.NONE
    for candidate, suffix in SUFFIXES.items():
        if suffix and name.endswith(suffix):
            base, compression = name.removesuffix(suffix), candidate
    found = _FORMATS.get(os.path.splitext(base)[1])
    if said_compression is not None:
        compression = Compression(said_compression)
    if found is None and said_format is None and name not in ("-", ""):
        known = ", ".join(_FORMATS)
        raise InvalidParameter(f"{name}: the name ends in none of {known}; say what it is to be with --format")
    wanted = ExportFormat(said_format) if said_format is not None else found or ExportFormat.NDJSON
    if wanted is ExportFormat.PARQUET and compression is not Compression.NONE:
        raise InvalidParameter("a Parquet file is compressed inside, and not once more (--compress)")
    return Kind(wanted, compression)


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Sink(Protocol):
    """A stream that a piece can be written to."""

    def write(self, data: bytes, /) -> int: ...


class PieceWriter:
    """Appends one piece, compressed, to an open file."""

    def __init__(self, file: Sink, compression: Compression) -> None:
        self._file = file
        self._compressor = _compressor(compression)

    def write(self, block: bytes) -> None:
        self._file.write(block if self._compressor is None else self._compressor.compress(block))

    def finish(self) -> None:
        """Write what is left of the piece."""
        if self._compressor is not None:
            self._file.write(self._compressor.flush())


def _compressor(compression: Compression) -> _Compressor | None:
    match compression:
        case Compression.NONE:
            return None
        case Compression.GZIP:
            return zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_WINDOW)
        case Compression.ZSTD:
            return _Zstd()


class _Zstd:
    """Arrow's zstd with the methods of zlib's."""

    def __init__(self) -> None:
        import pyarrow as pa

        self._parts: list[bytes] = []
        self._stream: Any = pa.CompressedOutputStream(pa.PythonFile(_Parts(self._parts), mode="w"), "zstd")

    def compress(self, data: bytes) -> bytes:
        self._stream.write(data)
        return self._take()

    def flush(self) -> bytes:
        self._stream.close()
        return self._take()

    def _take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class _Parts:
    """A file that is a list of what was written."""

    closed = False

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.contextmanager
def alone(path: Path) -> Generator[None]:
    """Nobody else who asks for this is inside the block. path: a folder, or a file, which is made; one that is still empty after a fault is
    removed. Raises InvalidParameter where somebody else is. A file system without locks lets everybody in."""
    descriptor = _locked(path)
    try:
        yield
    except BaseException:
        if path.is_file() and not path.stat().st_size:
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InvalidParameter(f"another export is writing {path} just now; wait for it, or name another --output") from None
        except OSError:
            return descriptor
        if path.exists() and os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
        os.close(descriptor)  # who had it before has renamed or removed it


def sync(file: IO[bytes]) -> None:
    """What was written is on disk when this returns."""
    file.flush()
    os.fsync(file.fileno())


def rename(source: Path, target: Path) -> None:
    """The file has its name for good, and the folder says so on disk."""
    os.replace(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
