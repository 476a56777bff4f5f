"""The bounds of how much who sends, each with its reason. Answers for the same as `sv.model.limits` does."""

from typing import Final

from sv.model.limits import MIB

RATE_BURST_S: Final = 60
"""Of a rate's events may come at once: queues of clients that were offline, and pages that send what they collected."""

MAX_RATE_WAIT_S: Final = 600
"""The longest `Retry-After`. Who made up a minute's events in one request waits longer, and is told so again."""

MAX_RATED_SENDERS: Final = 100_000
"""Addresses of projects that are remembered, at some 200 bytes each. Beyond, the one that sent longest ago has all its room again."""

MAX_EVENTS_S: Final = 10_000_000
"""Beyond what any machine takes in."""

MAX_ASIDE_WAIT_S: Final = 10
"""How long a request waits for its turn to be decoded on a thread. Clients wait about as long for an answer, and send again after a 503."""

MAX_NAN_BYTES: Final = MIB
"""Of a body with `NaN` or `Infinity` in it, which is gone through text by text, at worst for half a second. Clients' have some KiB."""
