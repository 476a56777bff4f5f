"""What the tests of imports share: files of rows, a data folder to import into, and what then lies in its files."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sv.imports.chunks import Chunk, ChunkSize
from sv.imports.columns import Columns
from sv.imports.files import Format, UserFile
from sv.imports.local import LocalTarget
from sv.imports.report import FileReport
from sv.imports.running import Options, import_file
from sv.imports.targets import Outcome, Step, Target
from sv.model.batch import VERSION, Batch, StoredBatch
from sv.server import Server
from sv.settings import Settings
from sv.store.importing import ImportChunks

NOW = 1_760_000_000_000  # 2025-10-09T08:53:20Z
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ROW: dict[str, Any] = {"event": "view", "userId": "ann", "timestamp": 1_700_000_000_000}


@cache
def reader() -> duckdb.DuckDBPyConnection:
    """For all tests, as to make one costs as much as to read. It keeps nothing of the files that it reads."""
    return duckdb.connect(config={"enable_external_file_cache": "false"})


class Folder:
    """An open data folder. The clock stands still."""

    def __init__(self, path: Path) -> None:
        self.server = Server(Settings(data=path, memory_limit=256 << 20, threads=2), clock=lambda: NOW)
        self.server.open()
        self.chunks = ImportChunks(self.server.store, self.server.parts, self.server.maintenance, now_ms=lambda: NOW)
        self._seq = 0
        self._projects = len(self.server.projects.list_all())

    def new_project(self) -> str:
        self._projects += 1
        project_id = f"p{self._projects}"
        self.server.projects.create(project_id, token=f"sv_pub_{project_id}", now_ms=NOW, project_id=project_id)
        return project_id

    def target(self, project_id: str) -> LocalTarget:
        return LocalTarget(self.chunks, project_id, lambda: None)

    def take(self, project_id: str, path: Path, **options: Any) -> FileReport:
        return take(path, self.target(project_id), project_id=project_id, **options)

    def accept(self, project_id: str, events: list[dict[str, Any]]) -> None:
        """As if ingest had logged them."""
        self._seq += 1
        data = json.dumps([{"properties": {}, **event} for event in events]).encode()
        batch = Batch(VERSION, project_id, NOW, len(events), "", None, b"", b"", data)
        self.server.store.accept([StoredBatch(self._seq, batch)])

    def parts(self, project_id: str) -> list[str]:
        return [part.path for part in self.server.catalog.parts(project_id)]

    def events(self, project_id: str) -> list[dict[str, Any]]:
        """What the live parts hold, as other tools read them, in the order of time and id."""
        paths = [str(self.server.settings.data / path) for path in self.parts(project_id)]
        if not paths:
            return []
        with reader().cursor() as cursor:
            result = cursor.execute(
                "select * replace (epoch_ms(timestamp) as timestamp, id::varchar as id, client_event_id::varchar as client_event_id)"
                f" from read_parquet({paths!r}, hive_partitioning = false) order by timestamp, id"
            )
            names = [column[0] for column in result.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        for row in rows:
            row["properties"] = json.loads(row["properties"]) if row["properties"] is not None else None
        return rows

    def wire_events(self, project_id: str) -> list[dict[str, Any]]:
        """The same in the fields of ingest, without those that are absent, in an order of no meaning."""
        return ordered(
            {name: value for name, column in WIRE_COLUMNS.items() if (value := row[column]) not in (None, [])}
            for row in self.events(project_id)
        )


WIRE_COLUMNS = {
    "event": "event",
    "timestamp": "timestamp",
    "anonymousId": "anonymous_id",
    "userId": "user_id",
    "sessionId": "session_id",
    "groups": "groups",
    "eventId": "client_event_id",
    "properties": "properties",
}


def ordered(events: Any) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: json.dumps(event, sort_keys=True))


def take(
    path: Path,
    target: Target,
    *,
    project_id: str = "p",
    maps: Sequence[str] = (),
    timezone: str = "UTC",
    file_format: Format | None = None,
) -> FileReport:
    options = Options(project_id, Columns.parse(maps), timezone)
    return import_file(UserFile(path, file_format), options, target, lambda: NOW, lambda *_: None)


def read_file(file: UserFile) -> "Kept":
    """The chunks of a file that is open already, or one of an archive."""
    kept = Kept()
    import_file(file, Options("p", Columns.parse([])), kept, lambda: NOW, lambda *_: None)
    return kept


class Kept:
    """A target that keeps chunks in memory."""

    def __init__(self, size: ChunkSize | None = None) -> None:
        self.size = size
        self.chunks: list[Chunk] = []

    def taken_up_to(self, import_id: str) -> int:
        return 0

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        def take() -> Outcome:
            self.chunks.append(chunk)
            return Outcome(chunk.event_count)

        return lambda: take

    def finish(self) -> None:
        pass

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for chunk in self.chunks for batch in chunk.batches for event in json.loads(batch.events)]

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(rejected.at, rejected.code) for chunk in self.chunks for rejected in chunk.rejections]


def read(path: Path, **options: Any) -> Kept:
    """The chunks of a file."""
    kept = Kept()
    take(path, kept, **options)
    return kept


def write_ndjson(path: Path, rows: Sequence[Any]) -> Path:
    """Bytes are taken as lines, all else is made JSON."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return write(path, b"".join(line + b"\n" for line in lines))


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], **dialect: Any) -> Path:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **dialect)
    writer.writerow(header)
    writer.writerows(rows)
    return write(path, text.getvalue().encode())


def write(path: Path, content: bytes) -> Path:
    """Compressed as the name says."""
    if path.suffix == ".gz":
        content = gzip.compress(content, 1)
    elif path.suffix == ".zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(content)
        content = sink.getvalue().to_pybytes()
    path.write_bytes(content)
    return path


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    folder = Folder(path)
    try:
        yield folder
    finally:
        folder.server.close()
