"""What ingest has done since the start, for `/metrics`. Plain integers, written by the event loop's thread alone."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class IngestCounters:
    """requests: answered, whatever the answer. retried: known as a retry, and the events that it repeated; nothing was stored.

    What was accepted is in the books (`sv.model.ledger`).
    """

    requests: int = 0
    rejected_events: Counter[str] = field(default_factory=Counter[str])
    refused_requests: Counter[str] = field(default_factory=Counter[str])
    retried_requests: int = 0
    retried_events: int = 0
