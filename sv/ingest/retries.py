"""Which bodies were answered lately, so that a client's retry gets the first answer again and stores nothing.

The clients send no ids: a byte-identical body for the same project within the window, all of whose events carry a timestamp, is a
retry (docs/api.md, "Retries"). Keys live in memory and come back after a restart from two places: the log (batches not yet in files) and
the folder `retries/` (one small file a flush, written before the flush is committed, deleted when the window has passed).
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sv.model.limits import MAX_REMEMBERED_BYTES
from sv.store.files import write_durably

log = logging.getLogger(__name__)

KEY_BYTES: Final = 16

ANSWER_BYTES: Final = 250
"""What one remembered answer takes in memory, measured: the struct, its key, and its place in a dict."""


MAX_KEPT_REJECTIONS_BYTES: Final = 1024
"""Of an answer's rejections as JSON. More of them are told anew out of the retry itself, which is the same body.

SCAR: they were kept. A few hundred requests of made-up events filled MAX_REMEMBERED_BYTES, so that other senders' retries were forgotten,
and what was written of them was more than the next start had memory for."""

TOLD_ANEW: Final = b"\0"
"""In place of those. Compressed ones begin otherwise."""


class Answer(Struct, frozen=True, array_like=True, gc=False):
    """What the first request was told. `rejected` is the JSON array of rejections, compressed; b"" where there were none; or TOLD_ANEW."""

    key: bytes
    received_ms: int
    accepted: int
    rejected: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Answer])


def retry_key(encoding: str, data: bytes) -> bytes:
    """The digest of a body as it came over the wire. The body holds the project token, so the project is part of it."""
    digest = hashlib.sha256(data)
    digest.update(encoding.encode())
    return digest.digest()[:KEY_BYTES]


class Retries:
    """The answers of the window. Used by the event loop's thread alone, except for the file functions below."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._bytes = 0
        self._answers: dict[bytes, Answer] = {}  # in order of receipt, so that the oldest are dropped first
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}

    @property
    def is_on(self) -> bool:
        return self._window_ms > 0

    def __len__(self) -> int:
        return len(self._answers)

    def answer_to(self, key: bytes, now_ms: int) -> Answer | None:
        """The first answer, where this body was stored within the window."""
        answer = self._answers.get(key)
        if answer is None or answer.received_ms + self._window_ms <= now_ms:
            return None
        return answer

    def forget_all(self) -> None:
        self._answers.clear()
        self._bytes = 0

    def in_flight(self, key: bytes) -> "asyncio.Future[Answer] | None":
        """The outcome of the same body while its first request still waits for the disk."""
        return self._waiting.get(key)

    def begin(self, key: bytes, outcome: "asyncio.Future[Answer]") -> None:
        self._waiting[key] = outcome

    def end(self, key: bytes) -> None:
        self._waiting.pop(key, None)

    def remember(self, answer: Answer, now_ms: int) -> None:
        """Add an answer and forget those that the window or the limit leaves behind. A later one replaces an earlier one.

        SCAR: those of the future, of a clock that was put back since, count as of now. One of them kept all that came after it from being
        forgotten until that future was there.
        """
        self._drop(answer.key)
        self._answers[answer.key] = answer
        self._bytes += _size(answer)
        horizon = now_ms - self._window_ms
        while self._answers:
            oldest = next(iter(self._answers.values()))
            if self._bytes > MAX_REMEMBERED_BYTES or oldest.received_ms <= horizon:
                self._drop(oldest.key)
            elif oldest.received_ms > now_ms:
                self._answers[oldest.key] = replace(self._answers.pop(oldest.key), received_ms=now_ms)
            else:
                break

    def _drop(self, key: bytes) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._bytes -= _size(dropped)


def _size(answer: Answer) -> int:
    return ANSWER_BYTES + len(answer.rejected)


def save_answers(folder: Path, covered_seq: int, answers: Iterable[Answer]) -> None:
    """Write the answers of one flush, synced, before the flush is committed. No answers, no file."""
    listed = list(answers)
    if not listed:
        return
    newest_ms = max(answer.received_ms for answer in listed)
    target = folder / f"{newest_ms:015d}-{covered_seq:016x}.answers"
    write_durably(target, lambda temporary: temporary.write_bytes(_encoder.encode(listed)))


def load_answers(folder: Path, now_ms: int, window_ms: int, covered_seq: int) -> list[Answer]:
    """The saved answers of the window, oldest first; files that are past it are deleted, damaged ones passed over.

    SCAR: a file whose flush never was committed is passed over too. Its batches are still in the log, and to know them as retries of
    themselves would lose them.
    """
    found: list[Answer] = []
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.suffix == ".tmp" or _newest_ms(path) + window_ms <= now_ms:
            _delete(path)
            continue
        if _covered_seq(path) > covered_seq:
            continue
        try:
            found += _decoder.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            log.warning("passed over %s, which can't be read: %s", path.name, error)
    found.sort(key=lambda answer: answer.received_ms)
    return found


def delete_old_answers(folder: Path, now_ms: int, window_ms: int) -> None:
    """Delete the files that are past the window, as far as the disk lets us: one that stays is passed over when it is read."""
    if folder.is_dir():
        for path in folder.glob("*.answers"):
            if _newest_ms(path) + window_ms <= now_ms:
                _delete(path)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("can't delete %s yet: %s", path, error)


def _covered_seq(path: Path) -> int:
    try:
        return int(path.stem.partition("-")[2], 16)
    except ValueError:
        return 0


def _newest_ms(path: Path) -> int:
    head = path.name.partition("-")[0]
    return int(head) if head.isdigit() else 0
