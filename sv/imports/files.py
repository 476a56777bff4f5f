"""A file on the user's disk: its format, its compression, what it is known by.

Compression is told by the first bytes, the format by the name or by what the user says. The digest is that of the content, so that a file
is known again under another name and compressed in another way, and a compressed file that is damaged is found out before a row of it is
taken. A zip is a folder of files (`sv.imports.archives`), of which one or several of the same format, one after the other, are read as
a file. Never writes but to the system's temporary folder.
"""

import codecs
import gzip
import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePath
from typing import IO, Final

from sv.model.errors import BadFile, InvalidParameter

READ_BYTES: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
"""What begins a text of it, and none of UTF-8."""

_SHOWN_BYTES: Final = 20
"""Before a byte that is at fault, and from it on."""

_COMPRESSED_SUFFIXES: Final = frozenset({".gz", ".gzip", ".zst", ".zstd"})


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES: Final = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.NDJSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


class UserFile:
    """A regular file of a known format. `open` and `digest` raise BadFile for a file that can't be read.

    members: where it is a zip, the names in it that are read, one after the other; otherwise none.
    """

    def __init__(self, path: Path, file_format: Format | None = None, members: tuple[str, ...] = ()) -> None:
        """Raises InvalidParameter for what is no regular file or of no known format."""
        self.path = path
        self.members = members
        self.name = f"{path}:{members[0]}" if len(members) == 1 else str(path)
        with self._telling_faults():
            found = None if self.name == "-" and not path.exists() else path.stat()  # None: standard input is meant
            if found is None or not stat.S_ISREG(found.st_mode):
                raise InvalidParameter(
                    f"{self.name}: expected a file; an import reads twice, so that it can go on where it stopped"
                )
            with path.open("rb") as file:
                head = file.read(4)
        self.bytes = found.st_size
        self._state = _state_of(found)
        self.compression = "zip" if members else _compression_of(head)
        self.format = file_format or self._format_by_name()

    def _format_by_name(self) -> Format:
        found = format_by_name(self.path)
        if found is None:
            known = ", ".join(_SUFFIXES)
            raise InvalidParameter(f"{self.name}: the name ends in none of {known}; say what it is with --format")
        return found

    def check_unchanged(self) -> None:
        """Raises BadFile where the file is not as it was when it was named: then its digest means nothing."""
        with self._telling_faults():
            if _state_of(self.path.stat()) != self._state:
                raise BadFile(f"{self.name} was changed while it was read; import it again once nobody writes to it")

    @contextmanager
    def open(self) -> Generator[tuple[IO[bytes], Callable[[], float]]]:
        """The content, decompressed, and how much of the file has been read, from 0 to 1."""
        with self._telling_faults(), self.path.open("rb") as raw:
            inner = _decompressed(raw, self.compression, self.members)
            try:
                yield inner, lambda: 1.0 if raw.closed or not self.bytes else raw.tell() / self.bytes
            finally:
                if inner is not raw:
                    inner.close()

    def digest(self, observe: Callable[[float], None]) -> str:
        """SHA-256 of the content, as hexadecimal text; reads everything. observe: hears how much has been read, from 0 to 1.

        Raises BadFile for a text that isn't UTF-8: what is taken in with other names than it has can't be taken back.
        """
        total = hashlib.sha256()
        text = None if self.format is Format.PARQUET else _Text(self.name)
        with self.open() as (content, progress):
            while block := content.read(READ_BYTES):
                if text is not None:
                    text.check(block)
                total.update(block)
                observe(progress())
        if text is not None:
            text.check(b"", is_last=True)
        return total.hexdigest()

    @contextmanager
    def _telling_faults(self) -> Generator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise BadFile(f"{self.name} is damaged: {error}") from error
        except RuntimeError as error:  # a compression that Python has not
            raise BadFile(f"{self.name} can't be read: {error}") from error
        except OSError as error:
            raise BadFile(f"{self.name} can't be read: {error.strerror or error}") from error


class _Text:
    """What a text begins with, block after block. Raises BadFile where it isn't UTF-8, naming the line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = 1
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_first = True

    def check(self, block: bytes, *, is_last: bool = False) -> None:
        if self._is_first and block.startswith(_UTF_16):
            raise BadFile(f"{self._name} is UTF-16; expected UTF-8, as `iconv -f utf-16 -t utf-8` makes of it")
        self._is_first = False
        try:
            if not block.isascii() or self._decoder.getstate()[0]:
                self._decoder.decode(block, is_last)
        except UnicodeDecodeError as fault:
            raise self._fault(fault.object, fault.start) from None
        self._line += block.count(b"\n")

    def _fault(self, read: bytes, at: int) -> BadFile:
        line = self._line + read.count(b"\n", 0, at)
        begin = max(read.rfind(b"\n", 0, at) + 1, at - _SHOWN_BYTES)
        shown = read[begin : at + _SHOWN_BYTES].partition(b"\n")[0].decode("ascii", "backslashreplace")
        return BadFile(
            f"{self._name}:{line}: expected UTF-8, got {shown.strip()}; nothing of the file was taken in. `iconv -f windows-1252 -t utf-8`"
            " makes UTF-8 of Windows-1252 and Latin-1, and `iconv -c -f utf-8 -t utf-8` leaves out what is damaged"
        )


def format_by_name(path: PurePath) -> Format | None:
    """What a name says, whatever is said of compression after it."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED_SUFFIXES:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _compression_of(head: bytes) -> str | None:
    """Of what begins with these four bytes."""
    return "gzip" if head.startswith(_GZIP) else "zstd" if head == _ZSTD else None


def _decompressed(raw: IO[bytes], compression: str | None, members: tuple[str, ...]) -> IO[bytes]:
    if members:
        return io.BufferedReader(_Readable(_read_of(_blocks(raw, members))), READ_BYTES)
    if compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), READ_BYTES)
    if compression == "zstd":
        import pyarrow as pa

        stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        return io.BufferedReader(_Readable(stream.read), READ_BYTES)
    return raw


def _blocks(raw: IO[bytes], members: tuple[str, ...]) -> Iterator[bytes]:
    """The content of a zip's members, also of those that are compressed themselves, with a line end after each but the last."""
    with zipfile.ZipFile(raw) as archive:
        for place, member in enumerate(members):
            if place:
                yield b"\n"
            with archive.open(member) as found:
                compression = _compression_of(found.read(4))
                found.seek(0)
                content = _decompressed(found, compression, ())
                while block := content.read(READ_BYTES):
                    yield block


def _read_of(blocks: Iterator[bytes]) -> Callable[[int], bytes]:
    """A function that gives the next so many bytes or fewer, none at the end."""
    rest = b""

    def read(size: int) -> bytes:
        nonlocal rest
        block = rest or next(blocks, b"")
        rest = block[size:]
        return block[:size]

    return read


class _Readable(io.RawIOBase):
    """A function that reads as a stream of Python's."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int] | bytearray", /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _state_of(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
