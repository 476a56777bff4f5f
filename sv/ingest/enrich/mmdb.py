"""Reads an IP database in the MaxMind DB format (specification 2.0), as far as finding one text for an
address.

GeoLite2, DB-IP, IP2Location and IPinfo all publish in this format: a binary tree over the bits of
addresses, whose leaves point at records in a data section. Assumes the whole file as bytes, so that
replacing it on disk touches nothing here. Bytes that aren't what they should be raise `MalformedError`;
whatever they are, a look-up ends soon, because only the path to the wanted value is decoded and every loop
has a limit. Never writes, never keeps state.

Why not the maxminddb package: its C reader maps the file, so that one overwritten in place kills the
process (SIGBUS), and among files with 2,000 random bytes in them one did so too (SIGSEGV); its Python
reader decodes whole records, names in eight languages and all: 42 µs and more an address, where this takes
5.
"""

from collections.abc import Iterator
from typing import Final

_MARKER: Final = b"\xab\xcd\xefMaxMind.com"
# Where the specification lets the metadata begin, counted from the end of the file.
_METADATA_BYTES: Final = 128 * 1024
# Zero bytes between the tree and the data.
_GAP: Final = 16

_POINTER, _TEXT, _MAP, _ARRAY, _BOOLEAN = 1, 2, 7, 11, 14
_UNSIGNED: Final = frozenset({5, 6, 9, 10})
_LAST_TYPE: Final = 15

# Real maps hold some ten keys (a city's names: eight languages) and nest three deep; a pointer leads to a
# value.
_ENTRIES_MAX: Final = 256
_DEPTH_MAX: Final = 8
_POINTERS_MAX: Final = 4


class MalformedError(ValueError):
    """The bytes are not a MaxMind DB, or a damaged one."""


class Mmdb:
    """An opened database. `kind` is what it calls itself, as "GeoLite2-Country"."""

    def __init__(self, data: bytes) -> None:
        """Read the metadata; raises `MalformedError` if there is none, or none that this reader knows."""
        self._data = data
        marker = data.rfind(_MARKER, max(0, len(data) - _METADATA_BYTES))
        if marker < 0:
            raise MalformedError("it has no MaxMind DB metadata")
        # Pointers count from the section's start, which for the metadata is its own.
        self._base = start = marker + len(_MARKER)
        self._after(start, 0)  # a file that was cut short ends within its metadata
        nodes = self._number(start, "node_count")
        bits = self._number(start, "record_size")
        version = self._number(start, "ip_version")
        self.kind = self.text(start, ("database_type",)) or "unknown"
        if bits not in (24, 28, 32) or version not in (4, 6) or nodes < 1:
            raise MalformedError(f"its metadata has record_size {bits}, ip_version {version}, {nodes} nodes")
        self._nodes, self._width = nodes, bits // 4
        self._base = nodes * self._width + _GAP
        if self._base > marker:
            raise MalformedError("it ends before its search tree does")
        self._has_ipv6 = version == 6
        self._ipv4_root = self._walk_zeros(96) if self._has_ipv6 else 0

    def find(self, address: bytes) -> int | None:
        """The record of an address of 4 or 16 bytes, as a position for `text`; None if there is none."""
        if len(address) == 4:
            record = self._ipv4_root
        elif self._has_ipv6:
            record = 0
        else:
            return None
        nodes, width, half, data = self._nodes, self._width, self._width >> 1, self._data
        bits = int.from_bytes(address, "big")
        for shift in range(len(address) * 8 - 1, -1, -1):
            if record >= nodes:
                break
            side = bits >> shift & 1
            if width == 7:
                record = self._child(record, side)
            else:  # what `_child` does, without the call: this loop is where a look-up spends its time
                at = record * width + half * side
                record = int.from_bytes(data[at : at + half], "big")
        return self._position(record)

    def text(self, position: int, path: tuple[str, ...]) -> str | None:
        """The text found by following the keys from the map at a position; None if there is none."""
        for key in path:
            found = self._value_of(position, key.encode())
            if found is None:
                return None
            position = found
        kind, size, start = self._resolve(position)
        return self._slice(start, size).decode("utf-8", "replace") if kind == _TEXT else None

    def records(self, limit: int) -> Iterator[int]:
        """Positions of records, lowest addresses first, until `limit` nodes of the tree have been seen."""
        pending = [0]
        for _ in range(limit):
            if not pending:
                return
            record = pending.pop()
            if record < self._nodes:
                pending += (self._child(record, 1), self._child(record, 0))
            elif (position := self._position(record)) is not None:
                yield position

    def _walk_zeros(self, count: int) -> int:
        """IPv4 addresses lie in the IPv6 tree under 96 zero bits."""
        record = 0
        for _ in range(count):
            if record >= self._nodes:
                break
            record = self._child(record, 0)
        return record

    def _child(self, node: int, side: int) -> int:
        at, data = node * self._width, self._data
        if self._width == 7:  # 28 bits each, the middle byte shared
            high = data[at + 3] & 0x0F if side else data[at + 3] >> 4
            return high << 24 | int.from_bytes(data[at + 4 * side : at + 4 * side + 3], "big")
        half = self._width >> 1
        return int.from_bytes(data[at + half * side : at + half * side + half], "big")

    def _position(self, record: int) -> int | None:
        if record < self._nodes:
            raise MalformedError("its search tree is deeper than an address is long")
        return None if record == self._nodes else record - self._nodes - _GAP + self._base

    def _number(self, position: int, key: str) -> int:
        found = self._value_of(position, key.encode())
        kind, size, start = self._resolve(found) if found is not None else (0, 0, 0)
        if kind not in _UNSIGNED or size > 16:
            raise MalformedError(f"its metadata has no number {key}")
        return int.from_bytes(self._slice(start, size), "big")

    def _value_of(self, position: int, key: bytes) -> int | None:
        kind, size, at = self._resolve(position)
        if kind != _MAP:
            return None
        for _ in range(_bounded(size)):
            key_kind, key_size, key_start = self._resolve(at)
            at = self._after(at, 0)
            if key_kind == _TEXT and self._slice(key_start, key_size) == key:
                return at
            at = self._after(at, 0)
        return None

    def _resolve(self, position: int) -> tuple[int, int, int]:
        """Type, size and start of the value at a position, or of the one that it points to."""
        for _ in range(_POINTERS_MAX):
            kind, size, start = self._header(position)
            if kind != _POINTER:
                return kind, size, start
            position = self._base + size
        raise MalformedError("a pointer in it leads to pointers only")

    def _after(self, position: int, depth: int) -> int:
        """The position after the value at a position, not following pointers."""
        kind, size, start = self._header(position)
        if kind in (_MAP, _ARRAY):
            if depth == _DEPTH_MAX:
                raise MalformedError("a record in it nests too deep")
            for _ in range(_bounded(size) * (2 if kind == _MAP else 1)):
                start = self._after(start, depth + 1)
            return start
        return start if kind in (_POINTER, _BOOLEAN) else start + size

    def _header(self, at: int) -> tuple[int, int, int]:
        """Type, size (for a pointer: its target) and start of the contents of the value at a position."""
        control = self._slice(at, 1)[0]
        at += 1
        kind, size = control >> 5, control & 0x1F
        if kind == _POINTER:
            extra = (control >> 3 & 3) + 1
            low = int.from_bytes(self._slice(at, extra), "big")
            offset = (0, 2048, 526336, 0)[extra - 1]
            high = 0 if extra == 4 else (control & 7) << 8 * extra
            return kind, (high | low) + offset, at + extra
        if kind == 0:
            kind = 7 + self._slice(at, 1)[0]
            at += 1
            if kind > _LAST_TYPE:
                raise MalformedError(f"a value in it is of the unknown type {kind}")
        if size > 28:
            extra = size - 28
            size = (29, 285, 65821)[extra - 1] + int.from_bytes(self._slice(at, extra), "big")
            at += extra
        return kind, size, at

    def _slice(self, at: int, size: int) -> bytes:
        part = self._data[at : at + size] if at >= 0 else b""
        if len(part) != size:
            raise MalformedError("a value in it lies beyond its end")
        return part


def _bounded(entries: int) -> int:
    if entries > _ENTRIES_MAX:
        raise MalformedError(f"a record in it has {entries} entries")
    return entries
