"""A small log cut at each byte and changed at each byte: what is whole outside the damage is read back, and no more.

The log has two segments, of which the last lies in a recycled file: old frames follow its end.
"""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wal_rig import change_byte, frame_ranges, read_back, segment_files, store

from sv.wal.frame import Framer
from sv.wal.header import HEADER_BYTES

PAYLOADS = [b"", b"a", b"two", b"\0" * 40, b"SVWF" * 5, b"the last one"]
STALE = b"".join(Framer(1, 99).encode(1, [b"from a former life"] * 4))
HEADER_SPOTS = [*range(62), *range(62, 4096, 997), *range(4096, 4158), *range(4158, HEADER_BYTES, 997)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path, PAYLOADS[:3], spare_segments=0)
    store(tmp_path, PAYLOADS[3:], spare_segments=0)
    with segment_files(tmp_path)[-1].open("ab") as file:
        file.write(STALE)
    return tmp_path


def expected(lost: set[int]) -> list[tuple[int, bytes]]:
    return [(seq, payload) for seq, payload in enumerate(PAYLOADS, 1) if seq not in lost]


def spots(path: Path) -> list[int]:
    return [*HEADER_SPOTS, *range(HEADER_BYTES, path.stat().st_size)]


@pytest.mark.parametrize("which", [0, 1])
def test_a_segment_cut_at_any_byte_gives_back_every_record_before_the_cut(folder: Path, which: int) -> None:
    path = segment_files(folder)[which]
    whole, ranges = path.read_bytes(), frame_ranges(path)
    assert len(ranges) == 3
    for cut in spots(path):
        path.write_bytes(whole[:cut])
        lost = {seq for seq, (_, stop) in ranges.items() if stop > cut}
        back, damage = read_back(folder)
        assert back == expected(lost), cut
        if which == 0 and cut >= 60:
            assert damage.missing_records == len(lost), "the next segment knows what is gone"


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_changed_byte_costs_at_most_the_record_it_is_in(folder: Path, which: int, mask: int) -> None:
    path = segment_files(folder)[which]
    ranges = frame_ranges(path)
    for at in spots(path):
        change_byte(path, at, mask)
        lost = {seq for seq, (start, stop) in ranges.items() if start <= at < stop}
        back, damage = read_back(folder)
        assert back == expected(lost), at
        assert (damage.damaged_ranges + damage.torn_tails > 0) >= bool(lost), at
        change_byte(path, at, mask)
    assert read_back(folder)[0] == expected(set())


def test_a_block_of_zeros_costs_only_the_records_that_it_covers(folder: Path) -> None:
    path = segment_files(folder)[1]
    whole, ranges = path.read_bytes(), frame_ranges(path)
    for start in range(HEADER_BYTES, len(whole), 3):
        for size in (8, 64, 120):
            path.write_bytes(whole[:start] + bytes(len(whole[start : start + size])) + whole[start + size :])
            lost = {
                seq
                for seq, (first, stop) in ranges.items()
                if first < start + size and start < stop and any(whole[max(first, start) : min(stop, start + size)])
            }
            assert read_back(folder)[0] == expected(lost), (start, size)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), wounds=st.integers(1, 6))
def test_whatever_is_done_to_the_bytes_no_replay_raises_or_makes_a_record_up(folder: Path, seed: int, wounds: int) -> None:
    chance = random.Random(seed)
    originals = {path: path.read_bytes() for path in segment_files(folder)}
    try:
        for _ in range(wounds):
            path = chance.choice(list(originals))
            data = bytearray(path.read_bytes())
            start, size = chance.randrange(len(data) + 1), chance.choice([1, 30, 500, 9000])
            if chance.random() < 0.3:
                start = chance.randrange(HEADER_BYTES, HEADER_BYTES + 200)
            piece = data[start : start + size]
            match chance.randrange(4):
                case 0:
                    data[start : start + size] = chance.randbytes(len(piece))
                case 1:
                    data[start : start + size] = b""
                case 2:
                    data[start:start] = piece
                case _:
                    other = chance.choice(list(originals.values()))
                    data[start : start + size] = other[start : start + size]
            path.write_bytes(bytes(data))
        back, _ = read_back(folder)
        assert set(back) <= set(expected(set()))
        assert [seq for seq, _ in back] == sorted({seq for seq, _ in back})
    finally:
        for path, data in originals.items():
            path.write_bytes(data)
