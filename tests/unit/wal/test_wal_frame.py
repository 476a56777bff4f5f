"""Frames and headers: what is written is read back, and nothing else is."""

import random
import time
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv.wal.frame import END, FRAME_BYTES, MAX_PAYLOAD_BYTES, Framer, Gap, Whole, find_framer
from sv.wal.header import HEADER_BYTES, Header, Link, decode_header, encode_header

HEADER = Header(7, 0xFEED, 100, Link(5, 9000, 99), 3)


def frames_of(framer: Framer, data: bytes) -> list[tuple[int, bytes]]:
    pieces = framer.scan(data, 0, len(data))
    return [(piece.seq, data[piece.start : piece.stop]) for piece in pieces if isinstance(piece, Whole)]


@given(payloads=st.lists(st.binary(max_size=200), max_size=12), first=st.integers(1, 2**63))
def test_a_scan_gives_back_what_was_encoded(payloads: list[bytes], first: int) -> None:
    framer = Framer(3, 77)
    data = b"".join(framer.encode(first, payloads)) + END
    assert frames_of(framer, data) == list(enumerate(payloads, first))


@given(data=st.binary(max_size=500))
def test_a_scan_of_anything_raises_nothing_and_covers_every_byte(data: bytes) -> None:
    pieces = list(Framer(3, 77).scan(data, 0, len(data)))
    assert pieces == ([Gap(0, len(data), True)] if data else [])


def test_a_frame_of_another_segment_does_not_count() -> None:
    data = b"".join(Framer(3, 77).encode(1, [b"old"]))
    assert frames_of(Framer(4, 77), data) == []
    assert frames_of(Framer(3, 78), data) == []
    assert frames_of(Framer(3, 77), data) == [(1, b"old")]


def test_damage_costs_only_the_frames_that_it_touches() -> None:
    framer = Framer(3, 77)
    payloads = [b"a" * 50, b"b" * 50, b"c" * 50, b"d" * 50]
    sound = b"".join(framer.encode(1, payloads))
    step = FRAME_BYTES + 50
    for at in range(len(sound)):
        data = bytearray(sound)
        data[at] ^= 0x55
        hit = at // step
        whole = [frame for index, frame in enumerate(enumerate(payloads, 1)) if index != hit]
        assert frames_of(framer, bytes(data)) == whole, at
        gaps = [piece for piece in framer.scan(bytes(data), 0, len(data)) if isinstance(piece, Gap)]
        assert gaps == [Gap(hit * step, hit * step + step, hit == 3)]


def test_a_length_that_points_past_the_end_is_no_frame() -> None:
    framer = Framer(3, 77)
    head = framer.encode(1, [b"x" * 10])[0]
    assert frames_of(framer, head) == []
    assert frames_of(framer, head[:24] + pack("<I", MAX_PAYLOAD_BYTES + 1) + head[28:]) == []


def test_a_frame_forged_inside_a_payload_is_not_found_when_its_carrier_is_damaged() -> None:
    secret = Framer(3, 0x1234_5678_9ABC_DEF0)
    forged = b"".join(b"".join(Framer(3, salt).encode(2, [b"forged"])) for salt in range(100))
    data = bytearray(b"".join(secret.encode(1, [forged, b"honest"])))
    data[FRAME_BYTES] ^= 1
    assert frames_of(secret, bytes(data)) == [(2, b"honest")]


def test_the_salt_is_found_again_from_the_frames_alone() -> None:
    framer = Framer(3, 0xABCDEF)
    stale = b"".join(Framer(2, 5).encode(1, [b"old"]))
    data = bytes(64) + stale + b"".join(framer.encode(9, [b"new"]))
    found = find_framer(data, 3, 0)
    assert found is not None
    assert frames_of(found, data) == [(9, b"new")]
    assert find_framer(data, 4, 0) is None
    assert find_framer(b"", 3, 0) is None


def test_a_payload_made_of_false_starts_does_not_stall_the_search_for_the_salt() -> None:
    start = pack("<4sIQQII", b"SVWF", 3, 1, 1, 4_000_000, 0)
    began = time.perf_counter()
    assert find_framer(start * (8 * 1024 * 1024 // len(start)), 3, 0) is None
    assert time.perf_counter() - began < 5


def test_a_header_is_read_back_from_either_copy() -> None:
    block = encode_header(HEADER)
    assert len(block) == HEADER_BYTES
    assert decode_header(block).header == HEADER
    for at in [0, 4096]:
        spoilt = block[:at] + bytes(100) + block[at + 100 :]
        assert (decode_header(spoilt).header, decode_header(spoilt).bad_copies) == (HEADER, 1)


@pytest.mark.parametrize("at", range(60))
def test_a_changed_byte_in_both_copies_of_a_header_is_noticed(at: int) -> None:
    block = bytearray(encode_header(HEADER))
    block[at] ^= 0x10
    block[4096 + at] ^= 0x20
    head = decode_header(bytes(block))
    assert head.header is None
    assert (head.bad_copies, head.is_blank, head.is_newer) == (2, False, False)


def test_a_blank_header_a_cut_one_and_a_newer_one_are_told_apart() -> None:
    assert decode_header(b"").is_blank
    assert decode_header(bytes(HEADER_BYTES)).is_blank
    block = encode_header(HEADER)
    assert decode_header(block[:59]).bad_copies == 2
    assert decode_header(block[:60]).header == HEADER
    newer = bytearray(block)
    newer[8] = newer[4096 + 8] = 2
    assert decode_header(bytes(newer)).is_newer


def test_a_header_vouches_only_for_numbers_that_its_own_process_gave() -> None:
    assert [number for number in range(12) if HEADER.skips(number)] == [6]
    assert [number for number in range(12) if Header(9, 0, 1, Link(2), 5).skips(number)] == [5, 6, 7, 8]


def test_random_bytes_are_no_header() -> None:
    chance = random.Random(5)
    for size in (1, 60, 64, 4096, HEADER_BYTES):
        assert decode_header(chance.randbytes(size)).header is None
