"""The sessions in a key file: a code for each row, and a digest of its session for each code.

Codes are given in the order of persons and then of time, in which a file's rows of one event are, so that these are nearly in the order of
sessions too. A row without a session id has the code beyond all others: its session follows from other rows of its person, in any file.

A digest is 128 bits of SHA-256 of what `keyed_sessions` calls a session, so that sessions with one digest are one session.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.files import BATCH_ROWS, read_files
from sv.engine.duck.keys.key_order import Codes, Keys, Order
from sv.engine.duck.relation import CLIENTS_SESSION_KEY

DIGEST_BYTES: Final = 16
"""Taken of SHA-256."""

Words = NDArray[np.uint64]


class Digests(NamedTuple):
    """Of sessions or of rows, as parallel arrays: each digest's two halves."""

    first: Words
    second: Words


class Sessions(Struct, frozen=True):
    """Where a key file has its sessions. at: where the codes begin, each of `width` bytes. count: sessions with an id. first_at, second_at:
    where the halves of their digests begin, in the order of codes. without: rows that have no session id."""

    at: int
    width: int
    count: int
    first_at: int
    second_at: int
    without: int


class CodedSessions(NamedTuple):
    """What is to be written of a part's sessions, as in `Sessions`; codes in the order of the keys."""

    codes: Codes
    digests: Digests
    without: int


def digest_sql(key: str) -> str:
    """The digest of a session's key, as 16 bytes."""
    return f"unhex(left(sha256({key}), {2 * DIGEST_BYTES}))"


def digests_of(column: Any) -> Digests:
    """The digests in an Arrow array of 16 bytes each, without nulls."""
    fixed = column.cast(pa.binary(DIGEST_BYTES))
    data = fixed.buffers()[1]
    begin = fixed.offset * DIGEST_BYTES
    words = np.frombuffer(data or b"", np.uint8)[begin : begin + len(fixed) * DIGEST_BYTES].view("<u8").reshape(-1, 2)
    return Digests(words[:, 0], words[:, 1])


def coded_sessions(
    cursor: duckdb.DuckDBPyConnection, source: Path, rows: int, keys: Keys, order: Order | None
) -> CodedSessions | None:
    """The sessions of a part, whose keys these are, in their order. None where two sessions can't be told apart by half of their digests,
    which is as good as never."""
    first, second = np.zeros(rows, np.uint64), np.zeros(rows, np.uint64)
    is_known = np.zeros(rows, np.bool_)
    reader: Any = cursor.sql(
        f"""
        select place, {digest_sql(CLIENTS_SESSION_KEY)} as digest
        from ({read_files([source], with_place=True)})
        where session_id is not null
        """
    ).to_arrow_reader(BATCH_ROWS)
    for batch in reader:  # in any order
        places: NDArray[np.int64] = batch.column("place").to_numpy(zero_copy_only=False)
        digests = digests_of(batch.column("digest"))
        first[places], second[places] = digests
        is_known[places] = True
    if order is not None:
        first, second, is_known = first[order], second[order], is_known[order]
    known = slice(None) if is_known.all() else np.flatnonzero(is_known)
    first, second = first[known], second[known]
    by_digest = np.argsort(first)
    first, second = first[by_digest], second[by_digest]
    is_next = np.ones(first.size, np.bool_)
    is_next[1:] = first[1:] != first[:-1]
    if (second[1:] != second[:-1])[~is_next[1:]].any():
        return None
    begins = np.flatnonzero(is_next)
    digests = Digests(first[begins], second[begins])
    del first, second  # in a part of four million rows each column is 32 MiB
    begun = np.minimum.reduceat(keys[known][by_digest], begins) if begins.size else np.empty(0, np.uint64)
    ranks = np.argsort(begun, kind="stable")
    code_of = np.empty(begins.size, np.uint32)
    code_of[ranks] = np.arange(begins.size, dtype=np.uint32)
    codes = np.empty(is_next.size, np.uint32)
    codes[by_digest] = code_of[np.cumsum(is_next, dtype=np.uint32) - np.uint32(1)]
    written: Codes = np.full(-(-rows // 8) * 8, begins.size, np.uint16 if begins.size < 1 << 16 else np.uint32)
    written[:rows][known] = codes
    return CodedSessions(written, Digests(digests.first[ranks], digests.second[ranks]), rows - codes.size)
