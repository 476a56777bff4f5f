"""Renders a reading of the server for Prometheus: the names of all metrics, and what each counts."""

from collections.abc import Iterator, Mapping
from typing import Final

from sv.insights.latencies import Latencies
from sv.model.ledger import Ledger
from sv.store.disk_watch import BUDGET, FREE, DiskReading
from sv.web.metrics import Metrics

REFUSED: Final = ("full", "waited")
STOPPED: Final = ("gone", "timeout")
_STATES: Final = ("stored", "queued", "set_aside", "repeated", "removed")


def render(reading: Metrics) -> str:
    """The text format 0.0.4."""
    return "\n".join([*_events(reading), *_ingest(reading), *_rest(reading)]) + "\n"


def _events(reading: Metrics) -> Iterator[str]:
    """The books: over the folder's life, across restarts."""
    ledger = reading.ledger
    yield from _metric("sv_events_accepted_total", "counter", "Events acknowledged, over the folder's life.", ledger.ingested)
    yield from _metric("sv_events_imported_total", "counter", "Events taken in by imports, likewise.", ledger.imported)
    text = "Where they are: in files, waiting, unreadable, left out as repetitions, taken away. Sums up to accepted + imported."
    yield from _labelled("sv_events", "gauge", text, "state", _states(ledger))
    yield from _metric(
        "sv_events_imbalance", "gauge", "Accepted + imported - all states. Anything but 0 is a fault.", ledger.imbalance
    )
    yield from _metric("sv_events_bots_total", "counter", "Events of bots among those written to files.", ledger.bots)


def _states(ledger: Ledger) -> dict[str, int]:
    return {state: getattr(ledger, state) for state in _STATES}


def _ingest(reading: Metrics) -> Iterator[str]:
    """What requests met since the start."""
    ingest = reading.ingest
    yield from _metric("sv_ingest_requests_total", "counter", "Ingest requests, whatever the answer.", ingest.requests)
    yield from _metric(
        "sv_ingest_retries_total", "counter", "Requests known as a retry; nothing stored.", ingest.retried_requests
    )
    yield from _metric("sv_ingest_retried_events_total", "counter", "The events that they repeated.", ingest.retried_events)
    text = "Events rejected, by drop reason."
    yield from _labelled("sv_events_rejected_total", "counter", text, "reason", ingest.rejected_events)
    text = "Events refused for now because their senders were over a limit, by which."
    yield from _labelled("sv_ingest_limited_events_total", "counter", text, "limit", reading.limited_events)
    text = "Ingest requests refused, by error code."
    yield from _labelled("sv_ingest_refused_total", "counter", text, "code", ingest.refused_requests)


def _rest(reading: Metrics) -> Iterator[str]:
    yield from _metric("sv_up", "gauge", "1 while writes are taken and files can be written.", int(reading.is_healthy))
    yield from _metric("sv_events_held", "gauge", "Acknowledged events not yet in files.", reading.held_events)
    yield from _metric("sv_held_bytes", "gauge", "Their bytes in the log.", reading.held_bytes)
    yield from _metric("sv_held_age_seconds", "gauge", "Since when the oldest of them waits.", round(reading.held_age_s, 3))
    yield from _metric("sv_log_queued_bytes", "gauge", "Bytes waiting for the log's disk.", reading.queued_bytes)
    yield from _metric("sv_resident_bytes", "gauge", "What the process has in memory.", reading.resident_bytes)
    yield from _metric("sv_kept_bytes", "gauge", "Of it, what is kept of funnels for the next question.", reading.kept_bytes)
    yield from _metric("sv_log_files", "gauge", "Files of the log, spares among them.", reading.log_files.files)
    yield from _metric("sv_log_bytes", "gauge", "Their bytes on disk.", reading.log_files.bytes)
    text = "What was found broken in the log at the start."
    yield from _labelled("sv_log_damage", "gauge", text, "kind", reading.log_damage)
    yield from _metric("sv_batches_set_aside_total", "counter", "Batches that could not be read.", reading.batches_set_aside)
    yield from _metric("sv_aside_files", "gauge", "Damaged files and pieces of the log that are kept aside.", reading.aside.files)
    yield from _metric("sv_aside_bytes", "gauge", "Their bytes.", reading.aside.bytes)
    yield from _metric("sv_parts", "gauge", "Live Parquet files.", reading.parts)
    yield from _metric("sv_part_bytes", "gauge", "Their bytes.", reading.part_bytes)
    yield from _metric("sv_part_rows", "gauge", "Their events.", reading.part_rows)
    yield from _metric("sv_flushes_total", "counter", "Flushes committed.", reading.flushes)
    yield from _metric("sv_merges_total", "counter", "Merges of files committed.", reading.merges)
    yield from _metric("sv_flush_age_seconds", "gauge", "Since the last flush.", round(reading.flush_age_s, 3))
    yield from _metric("sv_queries", "gauge", "Queries that run or wait.", reading.queries)
    yield from _metric("sv_connections", "gauge", "Open connections.", reading.connections)
    text = "Connections that were ended, by why."
    yield from _labelled("sv_connections_ended_total", "counter", text, "reason", reading.connections_ended)
    text = "Credentials that were refused, by why."
    yield from _labelled("sv_credentials_refused_total", "counter", text, "reason", reading.credentials_refused)
    yield from _disk(reading.disk)
    yield from _questions(reading)


def _disk(disk: DiskReading) -> Iterator[str]:
    """As of the last look; a figure that nobody knows yet is left out."""
    for name, text, value in (
        ("sv_disk_bytes", "Size of the disk that the data folder is on.", disk.disk),
        ("sv_disk_free_bytes", "What is free of it.", disk.free),
        ("sv_data_bytes", "What the data folder takes of it.", disk.folder),
    ):
        if value is not None:
            yield from _metric(name, "gauge", text, value)
    yield from _metric("sv_disk_budget_bytes", "gauge", "What it should keep within; 0 where nobody said.", disk.budget)
    text = "1 while the folder nears its budget, or the disk has less free than it should."
    yield from _labelled("sv_disk_warning", "gauge", text, "of", {each: int(each in disk.warnings) for each in (BUDGET, FREE)})


def _questions(reading: Metrics) -> Iterator[str]:
    """The lines in which queries wait."""
    lines = reading.questions
    text = "Queries that run, by line."
    yield from _labelled("sv_queries_running", "gauge", text, "kind", {kind: each.running for kind, each in lines.items()})
    text = "Queries that wait for their turn, by line."
    yield from _labelled("sv_queries_waiting", "gauge", text, "kind", {kind: each.waiting for kind, each in lines.items()})
    text = "Since when the one waits that has waited longest, by line; 0 where none does."
    oldest = {kind: round(each.oldest_wait_s, 3) for kind, each in lines.items()}
    yield from _labelled("sv_queries_oldest_wait_seconds", "gauge", text, "kind", oldest)
    yield from _head("sv_queries_refused_total", "counter", "Queries that never came to run, by line and why.")
    for kind, each in sorted(lines.items()):
        for reason in REFUSED:
            yield f'sv_queries_refused_total{{kind="{kind}",reason="{reason}"}} {each.refused.get(reason, 0)}'
    text = "Queries that were stopped while they ran, by why."
    stopped = {reason: reading.stopped.get(reason, 0) for reason in STOPPED}
    yield from _labelled("sv_queries_stopped_total", "counter", text, "reason", stopped)
    text = "Queries that shared the run of an equal one."
    yield from _metric("sv_queries_shared_total", "counter", text, reading.shared)
    text = "From a question's arrival to its answer, by line."
    yield from _histograms("sv_query_seconds", text, "kind", {kind: each.seconds for kind, each in lines.items()})
    text = "Of that the time in line, of those that came to run."
    yield from _histograms("sv_query_wait_seconds", text, "kind", {kind: each.waits for kind, each in lines.items()})


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _metric(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, text)
    yield f"{name} {value}"


def _labelled(name: str, kind: str, text: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _head(name, kind, text)
    for key, value in sorted(values.items()):
        yield f'{name}{{{label}="{key}"}} {value}'


def _histograms(name: str, text: str, label: str, values: Mapping[str, Latencies]) -> Iterator[str]:
    yield from _head(name, "histogram", text)
    for key, latencies in sorted(values.items()):
        count = 0
        for bound, count in latencies.cumulative():
            yield f'{name}_bucket{{{label}="{key}",le="{bound}"}} {count}'
        yield f'{name}_sum{{{label}="{key}"}} {latencies.sum_s:.6f}'
        yield f'{name}_count{{{label}="{key}"}} {count}'
