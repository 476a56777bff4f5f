"""Inputs made from inputs: bytes flipped, cut, repeated and spliced, and words put in that readers stumble over. The same seed, the same inputs."""

import random
from collections.abc import Sequence
from typing import Final

MAX_BYTES: Final = 256 * 1024

WORDS: Final[tuple[bytes, ...]] = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"\r\n", b"\t", b" ",
    b'"', b"'", b"\\", b'\\"', b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\\ud83d\\ude00", b"{", b"}", b"[", b"]", b":", b",",
    b"null", b"true", b"false", b"NaN", b"Infinity", b"-0", b"1e400", b"-1e-400", b"0.1", b"9223372036854775807", b"9223372036854775808",
    b"18446744073709551616", b"-9223372036854775809", b"1" * 400, b"[" * 40, b'{"a":' * 40, b"[" * 2000, b"{}", b"[]", b'""',
    b"$current_url", b"$.*", b"/", b"~0", b"~1", b"$", b"properties", b"); drop table events; --", b"' or 1=1 --", b"%00", b"../", b"..",
    b"regex", b"icontains", b"exact", b"is_not_set", b"gte", b"*", b">", b" > ", b"#", b".", b"[a='", b"\\31 ", b"::", b"\x1f\x8b\x08",
    b"-7d", b"-100000mo", b"2024-02-30", b"9999-12-31T23:59:59.999999Z", b"0001-01-01", b"+14:00", b"Europe/Berlin", b"Australia/Lord_Howe", b"day",
)  # fmt: skip


class Mutator:
    """Makes inputs of a corpus. Thread-bound."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def make(self, corpus: Sequence[bytes]) -> bytes:
        """One more input, of at most MAX_BYTES."""
        chance = self._chance
        data = bytearray(chance.choice(corpus))
        for _ in range(1 << chance.randint(0, 3)):
            data = self._changed(data, corpus)
        return bytes(data[:MAX_BYTES])

    def _changed(self, data: bytearray, corpus: Sequence[bytes]) -> bytearray:
        chance = self._chance
        start = chance.randint(0, len(data))
        stop = min(len(data), start + (1 << chance.randint(0, 6)))
        match chance.randint(0, 8):
            case 0 if data:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
            case 2:
                del data[start:stop]
            case 3:
                data[start:stop] = data[start:stop] * chance.choice((2, 3, 50))
            case 4 | 5:
                data[start : chance.choice((start, stop))] = chance.choice(WORDS)
            case 6:
                other = chance.choice(corpus)
                data[start:] = other[chance.randint(0, len(other)) :]
            case 7:
                where = chance.randint(0, len(data))
                data[where:where] = data[start:stop]
            case _:
                del data[start:]
        return data
