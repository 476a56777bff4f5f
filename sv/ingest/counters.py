"""What ingest has done since the start, for `/metrics`. Plain integers, written by the event loop's thread alone."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class IngestCounters:
    """requests: answered, whatever the answer. accepted_events counts what was acknowledged and stored (not retries)."""

    requests: int = 0
    accepted_events: int = 0
    rejected_events: Counter[str] = field(default_factory=Counter[str])
    refused_requests: Counter[str] = field(default_factory=Counter[str])
    retried_requests: int = 0
