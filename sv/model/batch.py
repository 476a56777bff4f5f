"""What one accepted ingest request leaves in the log: a header and its events in canonical JSON.

Canonical means: written by our own encoder from decoded values. So whatever the client sent (duplicate keys, escapes, integers
beyond 64 bits, odd white space), those who read a batch later meet each key once, valid UTF-8, finite numbers, and
timestamps in Unix milliseconds. The format is persisted: a change of shape takes a new `VERSION`, and `decode_batch` goes on
reading the older ones.
"""

from typing import Any

import msgspec

VERSION = 1

_HEADER_BYTES = 300
"""About what a batch's header takes in memory, and its place in lists."""


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted request.

    events: a JSON array of objects with the keys `event`, `timestamp` (Unix ms), `properties` and, where given,
        `anonymousId`, `userId`, `sessionId`, `groups`, `eventId`.
    retry_key: the 16-byte digest that recognises a retry of the same body, or b"" where the body can't be one.
    rejected: the JSON array of rejected events as the first answer gave it, compressed by zlib, so that a retry gets it again; b""
        where there were none; a zero byte where they are many, and a retry is told them out of itself.
    """

    version: int
    project_id: str
    received_ms: int
    event_count: int
    user_agent: str
    country: str | None
    retry_key: bytes
    rejected: bytes
    events: bytes

    @property
    def held_bytes(self) -> int:
        """What the batch counts against the memory for waiting events."""
        return len(self.events) + len(self.rejected) + _HEADER_BYTES


class EventColumns(msgspec.Struct, frozen=True, gc=False):
    """Events of an import as Arrow columns, in place of a batch's canonical JSON. For events without ids of the client's.

    All columns have the same number of rows. They are texts, except for `times` (Unix milliseconds) and `groups` (lists of texts; None
    where no event has any). `properties` is an object in canonical JSON; the others may be null.

    first_ms, last_ms: the bounds of the times. size: bytes, roughly. may_differ: whether the engine may write some value otherwise than it
    stands in `properties`. own: the values of those properties that enrichment looks at and that any event has, null where an event hasn't;
    None where some value is no text, so that the engine has to read the properties itself.
    """

    names: Any
    times: Any
    anonymous_ids: Any
    user_ids: Any
    session_ids: Any
    groups: Any
    properties: Any
    first_ms: int
    last_ms: int
    size: int
    may_differ: bool
    own: dict[str, Any] | None


class StoredBatch(msgspec.Struct, frozen=True, gc=False):
    """A batch with the sequence number under which the log holds it.

    columns: its events, for a batch of an import that has no JSON. first: for a part of a batch, how many of its events come before the
    part.
    """

    seq: int
    batch: Batch
    columns: EventColumns | None = None
    first: int = 0

    @property
    def size(self) -> int:
        """Bytes of its events."""
        return len(self.batch.events) if self.columns is None else self.columns.size


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)


def encode_batch(batch: Batch) -> bytes:
    return _encoder.encode(batch)


def decode_batch(payload: bytes) -> Batch:
    """Raises msgspec.DecodeError for bytes that are no batch, ValueError for a batch of a newer version."""
    batch = _decoder.decode(payload)
    if batch.version != VERSION:
        raise ValueError(f"a batch of version {batch.version}; this server reads version {VERSION}")
    return batch
