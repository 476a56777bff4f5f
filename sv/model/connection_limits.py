"""The bounds of connections, each with its reason. Answers for the same as `sv.model.limits` does."""

from typing import Final

HEAD_SECONDS: Final = 10
"""From a connection's beginning, or from a further request's first byte, until its head is there. It is sent in one piece, as a rule."""

BODY_WINDOW_SECONDS: Final = 10
MIN_WINDOW_BYTES: Final = 2000
"""Of a body, in each such window: 200 bytes a second. The slowest networks that browsers are used in bring ten times as much."""

STALL_SECONDS: Final = 600
"""How long an answer may wait for its reader to take 64 KiB. Downloads that somebody paused, and browsers that sleep, come back."""

GIVE_WAY_SECONDS: Final = 60
"""From when on such a reader is the first to give way where there are too many connections. Before, it is the last."""

LINGER_SECONDS: Final = 5
LINGER_BYTES: Final = 64 << 20
"""For how long, and how much, what still comes of a request that was refused is read, so that its sender gets to read why."""

MAX_HEAD_BYTES: Final = 256 * 1024
"""Of a request's head, and of what frames a chunked body beside the body itself. The longest parameter alone may have 64 KiB."""

FREE_HEAD_BYTES: Final = 8 * 1024
MAX_LARGE_HEAD_BYTES: Final = 32 << 20
"""Of the heads that are larger than that, all together, for as long as their requests go on: 128 of the largest. Ordinary ones always have
room, and with as many as there may be connections they are 128 MiB."""

MAX_PIPELINED: Final = 512
PIPELINED_BYTES: Final = 4096
"""Requests that a connection may have waiting behind the one that is answered, and what each takes: as many as one read brings, of half a
KiB each. SCAR: 540 KB of the smallest ones, whose answers nobody read, took 50 MB."""

FREE_BODY_BYTES: Final = 8 * 1024
MAX_LARGE_BODY_BYTES: Final = 32 << 20
"""Of the query API's bodies that are larger than that, all together, while they arrive; a project may have half of it."""

MAX_FRAMING: Final = 8
"""Bytes of framing for each byte of a chunked body: chunks of one byte have five."""

MAX_CONNECTIONS: Final = 16_384
"""At the same time, where the system allows as many files. One that waits costs some 8 KB."""

KEPT_FILES: Final = 512
"""Of the files that the system lets the process have, for events, the log and the metadata, whatever strangers open."""

KNOWN_ADDRESSES: Final = 4096
"""For which it is remembered whether they are a trusted proxy's. Of proxies there are a few; the rest are visitors, who come again."""
