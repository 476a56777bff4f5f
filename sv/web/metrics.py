"""`/metrics` in Prometheus' text format.

Figures without personal data: no project's name, no event's name, no address.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import asdict

from sv.ingest.capture import Capture
from sv.ingest.counters import IngestCounters
from sv.store.event_store import EventStore
from sv.store.maintenance import Maintenance
from sv.wal.log import Log


class Metrics(Struct, frozen=True):
    """One reading of the server. held: acknowledged and not yet in files. queued: waiting for the log's disk."""

    ingest: IngestCounters
    held_events: int
    held_bytes: int
    queued_bytes: int
    parts: int
    part_bytes: int
    part_rows: int
    flushes: int
    merges: int
    flush_age_ms: int
    set_aside: int
    log_damage: int
    queries: int
    is_healthy: bool


def read(
    capture: Capture, store: EventStore, log: Log, maintenance: Maintenance, queries: int, now_ms: int, *, is_healthy: bool
) -> Metrics:
    """A reading now."""
    parts = store.catalog.parts()
    return Metrics(
        ingest=capture.counters,
        held_events=store.held_events(),
        held_bytes=store.held_bytes,
        queued_bytes=log.queued_bytes,
        parts=len(parts),
        part_bytes=sum(part.bytes for part in parts),
        part_rows=sum(part.rows for part in parts),
        flushes=maintenance.flushes,
        merges=maintenance.merges,
        flush_age_ms=now_ms - maintenance.last_flush_ms,
        set_aside=store.batches_set_aside,
        log_damage=sum(asdict(log.damage).values()),
        queries=queries,
        is_healthy=is_healthy,
    )


def render(reading: Metrics) -> str:
    """The reading as Prometheus reads it."""
    return "\n".join(_lines(reading)) + "\n"


def _lines(reading: Metrics) -> Iterator[str]:
    ingest = reading.ingest
    yield from _metric("sv_up", "gauge", "1 while writes are taken and files can be written.", int(reading.is_healthy))
    yield from _metric("sv_ingest_requests_total", "counter", "Ingest requests, whatever the answer.", ingest.requests)
    yield from _metric("sv_events_accepted_total", "counter", "Events acknowledged and stored.", ingest.accepted_events)
    yield from _metric(
        "sv_ingest_retries_total", "counter", "Requests known as a retry; nothing stored.", ingest.retried_requests
    )
    yield from _labelled("sv_events_rejected_total", "Events rejected, by drop reason.", "reason", ingest.rejected_events)
    yield from _labelled("sv_ingest_refused_total", "Ingest requests refused, by error code.", "code", ingest.refused_requests)
    yield from _metric("sv_events_held", "gauge", "Acknowledged events not yet in files.", reading.held_events)
    yield from _metric("sv_held_bytes", "gauge", "Their bytes in the log.", reading.held_bytes)
    yield from _metric("sv_log_queued_bytes", "gauge", "Bytes waiting for the log's disk.", reading.queued_bytes)
    yield from _metric("sv_log_damaged_total", "counter", "Damaged places found in the log at the start.", reading.log_damage)
    yield from _metric("sv_batches_set_aside_total", "counter", "Batches that could not be read.", reading.set_aside)
    yield from _metric("sv_parts", "gauge", "Live Parquet files.", reading.parts)
    yield from _metric("sv_part_bytes", "gauge", "Their bytes.", reading.part_bytes)
    yield from _metric("sv_part_rows", "gauge", "Their events.", reading.part_rows)
    yield from _metric("sv_flushes_total", "counter", "Flushes committed.", reading.flushes)
    yield from _metric("sv_merges_total", "counter", "Merges of files committed.", reading.merges)
    yield from _metric("sv_flush_age_seconds", "gauge", "Since the last flush.", round(reading.flush_age_ms / 1000, 3))
    yield from _metric("sv_queries", "gauge", "Queries that run or wait.", reading.queries)


def _metric(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    yield f"{name} {value}"


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} counter"
    for key, value in sorted(values.items()):
        yield f'{name}{{{label}="{key}"}} {value}'
