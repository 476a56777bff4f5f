"""What one accepted ingest request leaves in the log: a header and its events in canonical JSON.

Canonical means: written by our own encoder from decoded values. So whatever the client sent (duplicate keys, escapes, integers
beyond 64 bits, odd white space), those who read a batch later meet each key once, valid UTF-8, finite numbers, and
timestamps in Unix milliseconds. The format is persisted: a change of shape takes a new `VERSION`, and `decode_batch` goes on
reading the older ones.
"""

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
        where there were none.
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


class StoredBatch(msgspec.Struct, frozen=True, gc=False):
    """A batch with the sequence number under which the log holds it."""

    seq: int
    batch: Batch


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
