"""What ingest has done since the start, for `/metrics`. Plain integers, written by the event loop's thread alone."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class IngestCounters:
    """requests: all that were answered, whatever the answer. retried_requests, retried_events: recognised as retries, and not stored.

    Accepted events are counted in the books (`sv.model.ledger`).
    """

    requests: int = 0
    rejected_events: Counter[str] = field(default_factory=Counter[str])
    refused_requests: Counter[str] = field(default_factory=Counter[str])
    retried_requests: int = 0
    retried_events: int = 0
