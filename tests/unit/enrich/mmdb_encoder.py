"""Writes MaxMind DB files for tests: as much of the format (specification 2.0) as they need."""

import ipaddress
import struct
from typing import Any, NamedTuple


class Unsigned(NamedTuple):
    """A number of a given type: 5, 6 and 9 are those of 16, 32 and 64 bits."""

    kind: int
    value: int


def build(
    networks: dict[str, Any],
    *,
    bits: int = 24,
    version: int = 6,
    kind: str = "Test-Country",
    pointers: bool = False,
) -> bytes:
    """A database of networks ("203.0.113.0/24") and their records.

    With `pointers`, a text that occurs again is written once and pointed at.
    """
    nodes: list[list[int | str]] = [[0, 0]]
    leaves: dict[str, Any] = {}
    for network in sorted(map(ipaddress.ip_network, networks), key=lambda each: each.prefixlen):
        _insert(nodes, network, version)
        leaves[str(network)] = networks[str(network)]
    encoder = _Encoder(pointers)
    offsets = {network: encoder.add(record) for network, record in leaves.items()}
    values = [
        [len(nodes) + 16 + offsets[side] if isinstance(side, str) else side or len(nodes) for side in node] for node in nodes
    ]
    metadata = {
        "node_count": Unsigned(6, len(nodes)),
        "record_size": Unsigned(5, bits),
        "ip_version": Unsigned(5, version),
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": Unsigned(5, 2),
        "binary_format_minor_version": Unsigned(5, 0),
        "build_epoch": Unsigned(9, 1_700_000_000),
        "description": {"en": "for a test"},
    }
    tree = b"".join(_node(left, right, bits) for left, right in values)
    return tree + bytes(16) + bytes(encoder.data) + b"\xab\xcd\xefMaxMind.com" + _plain(metadata)


def _insert(nodes: list[list[int | str]], network: ipaddress.IPv4Network | ipaddress.IPv6Network, version: int) -> None:
    prefix = int(network.network_address)
    length, width = network.prefixlen, network.max_prefixlen
    path = [prefix >> (width - 1 - i) & 1 for i in range(length)]
    if version == 6 and width == 32:
        path = [0] * 96 + path
    at = 0
    for bit in path[:-1]:
        following = nodes[at][bit]
        if not isinstance(following, int) or following == 0:
            nodes.append([following, following])  # a longer prefix inside a shorter one: both halves inherit
            following = nodes[at][bit] = len(nodes) - 1
        at = following
    nodes[at][path[-1]] = str(network)


def _node(left: int, right: int, bits: int) -> bytes:
    if bits == 28:
        middle = (left >> 24) << 4 | right >> 24
        return (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
    return left.to_bytes(bits // 8, "big") + right.to_bytes(bits // 8, "big")


class _Encoder:
    """The data section. With `pointers`, a text that was written before is pointed at."""

    def __init__(self, pointers: bool) -> None:
        self.data = bytearray()
        self._pointers = pointers
        self._texts: dict[str, int] = {}

    def add(self, value: Any) -> int:
        if self._pointers:  # the texts first, so that the record can point back at them
            for text in _texts(value):
                if text not in self._texts:
                    self._texts[text] = len(self.data)
                    self.data += _plain(text)
        at = len(self.data)
        self.data += _plain(value, self._texts)
        return at


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def pointer(target: int) -> bytes:
    """A pointer to an offset in the data section, in the shortest form that holds it."""
    if target < 2048:
        return bytes([0x20 | target >> 8, target & 0xFF])
    if target < 2048 + (1 << 19):
        low = target - 2048
        return bytes([0x28 | low >> 16]) + (low & 0xFFFF).to_bytes(2, "big")
    if target < 526336 + (1 << 27):
        low = target - 526336
        return bytes([0x30 | low >> 24]) + (low & 0xFFFFFF).to_bytes(3, "big")
    return b"\x38" + target.to_bytes(4, "big")


def _header(kind: int, size: int) -> bytes:
    if size < 29:
        low, rest = size, b""
    elif size < 285:
        low, rest = 29, bytes([size - 29])
    elif size < 65821:
        low, rest = 30, (size - 285).to_bytes(2, "big")
    else:
        low, rest = 31, (size - 65821).to_bytes(3, "big")
    return (bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])) + rest


def _plain(value: Any, known: dict[str, int] | None = None) -> bytes:
    if isinstance(value, str) and known and value in known:
        return pointer(known[value])
    if isinstance(value, dict):
        inside = b"".join(_plain(each, known) for pair in value.items() for each in pair)
        return _header(7, len(value)) + inside
    if isinstance(value, list):
        return _header(11, len(value)) + b"".join(_plain(each, known) for each in value)
    if isinstance(value, bool):
        return _header(14, int(value))
    if isinstance(value, int):
        value = Unsigned(6 if value < 1 << 32 else 9, value)
    if isinstance(value, Unsigned):
        octets = value.value.to_bytes((value.value.bit_length() + 7) // 8, "big")
        return _header(value.kind, len(octets)) + octets
    if isinstance(value, float):
        return _header(3, 8) + struct.pack(">d", value)
    if isinstance(value, bytes):
        return _header(4, len(value)) + value
    return _header(2, len(value.encode())) + value.encode()
