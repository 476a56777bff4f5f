"""An export goes on where it was stopped, and what it writes is whole, whatever broke off."""

import gzip
import io
from collections.abc import Callable, Generator
from pathlib import Path

import pyarrow as pa
import pytest

from sv.exports.running import Asked, export_to_file, export_to_folder, export_to_stream
from sv.exports.sources import Pairs, Plan, PlannedPiece
from sv.exports.targets import Compression, Kind, kind_of
from sv.model.errors import InvalidParameter, Unavailable
from sv.model.exports import ExportFormat

HEADER = b"event,properties\n"
BOUNDS = ("2026-01-01T00:00:00.000Z", "2026-01-03T00:00:00.000Z", "2026-01-04T00:00:00.000Z", "2026-01-09T12:00:00.000Z")
PLAN = Plan("2026-02-01T00:00:00.000Z", 6, [PlannedPiece(BOUNDS[n], BOUNDS[n + 1], n + 1) for n in range(3)])


class Source:
    """Three pieces of one line each. breaks: (pieces begun so far) -> whether this one breaks off after half of it."""

    def __init__(self, form: ExportFormat, breaks: Callable[[int], bool] = lambda _: False, reads_ahead: bool = False) -> None:
        self.form = form
        self.reads_ahead = reads_ahead
        self.breaks = breaks
        self.asked: list[str] = []
        self.planned = 0

    def plan(self, pairs: Pairs) -> Plan:
        self.planned += 1
        return PLAN

    def read(self, pairs: Pairs) -> Generator[bytes]:
        given = dict(pairs)
        assert given["received_before"] == PLAN.received_before
        assert given["format"] == self.form
        self.asked.append(given["date_from"][:10])
        if self.form is ExportFormat.CSV:
            yield HEADER[:5]
            yield HEADER[5:]
        chosen = [bound for bound in BOUNDS[:3] if given["date_from"] <= bound < given["date_to"]]
        for bound in chosen:
            yield bound[:5].encode()
            if self.breaks(len(self.asked)):
                raise Unavailable("broke off")
            yield bound[5:].encode() + b"\n"


def asked(form: ExportFormat, compression: Compression = Compression.NONE, **more: str) -> Asked:
    return Asked("p", tuple(more.items()), Kind(form, compression))


def lines() -> bytes:
    return b"".join(bound.encode() + b"\n" for bound in BOUNDS[:3])


def unpacked(path: Path, compression: Compression) -> bytes:
    match compression:
        case Compression.GZIP:
            return gzip.decompress(path.read_bytes())
        case Compression.ZSTD:
            return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd").read()
        case Compression.NONE:
            return path.read_bytes()


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("form", [ExportFormat.NDJSON, ExportFormat.CSV])
def test_a_file_that_was_stopped_in_any_piece_goes_on_and_is_whole(
    tmp_path: Path, form: ExportFormat, compression: Compression
) -> None:
    for stopped_in in (1, 2, 3):
        path = tmp_path / f"{stopped_in}"
        with pytest.raises(Unavailable):
            export_to_file(Source(form, lambda n, at=stopped_in: n >= at), asked(form, compression), path, lambda *_: None)
        assert not path.exists()
        source = Source(form)
        done = export_to_file(source, asked(form, compression), path, lambda *_: None)
        assert source.asked == [bound[:10] for bound in BOUNDS[stopped_in - 1 : 3]]
        assert source.planned == 0
        assert done.resumed == sum(range(1, stopped_in))
        assert unpacked(path, compression) == (HEADER if form is ExportFormat.CSV else b"") + lines()
        assert [found.name for found in tmp_path.iterdir() if found.name.startswith(f"{stopped_in}")] == [f"{stopped_in}"]


@pytest.mark.parametrize("export", [export_to_file, export_to_folder])
def test_two_exports_at_once_do_not_write_into_each_others_file(tmp_path: Path, export: Callable[..., object]) -> None:
    target = tmp_path / "out"
    tried: list[str] = []

    def observe(done: int, _: int) -> None:
        if done == 1:  # in the middle of it
            with pytest.raises(InvalidParameter, match="another export is writing") as refused:
                export(Source(ExportFormat.NDJSON), asked(ExportFormat.NDJSON), target, lambda *_: None)
            tried.append(refused.value.message)

    export(Source(ExportFormat.NDJSON), asked(ExportFormat.NDJSON), target, observe)
    assert len(tried) == 1
    written = sorted(target.glob("*.ndjson")) if target.is_dir() else [target]
    assert b"".join(path.read_bytes() for path in written) == lines()
    assert not [*tmp_path.glob("**/*.part*")]


def test_an_export_that_could_not_begin_leaves_nothing_behind(tmp_path: Path) -> None:
    source = Source(ExportFormat.NDJSON)
    source.plan = lambda pairs: (_ for _ in ()).throw(Unavailable("no server"))
    with pytest.raises(Unavailable):
        export_to_file(source, asked(ExportFormat.NDJSON), tmp_path / "out", lambda *_: None)
    assert not [*tmp_path.iterdir()]


def test_an_answer_that_breaks_off_once_costs_nothing(tmp_path: Path) -> None:
    source = Source(ExportFormat.CSV, lambda n: n == 2)
    export_to_file(source, asked(ExportFormat.CSV), tmp_path / "f", lambda *_: None)
    assert source.asked == ["2026-01-01", "2026-01-03", "2026-01-03", "2026-01-04"]
    assert (tmp_path / "f").read_bytes() == HEADER + lines()


def test_a_folder_that_was_stopped_goes_on_after_its_last_file(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(Unavailable):
        export_to_folder(Source(ExportFormat.NDJSON, lambda n: n >= 2), asked(ExportFormat.NDJSON), folder, lambda *_: None)
    source = Source(ExportFormat.NDJSON)
    done = export_to_folder(source, asked(ExportFormat.NDJSON), folder, lambda *_: None)
    assert source.asked == ["2026-01-03", "2026-01-04"]
    names = ["events-2026-01-01-to-2026-01-02.ndjson", "events-2026-01-03.ndjson", "events-2026-01-04-to-2026-01-09.ndjson"]
    assert done.files == [str(folder / name) for name in names]
    assert sorted(found.name for found in folder.iterdir()) == [*names, "export.json"]
    assert b"".join((folder / name).read_bytes() for name in names) == lines()


def test_a_folder_that_has_all_of_it_is_not_taken_for_what_there_is_now(tmp_path: Path) -> None:
    folder, source = tmp_path / "out", Source(ExportFormat.NDJSON)
    export_to_folder(source, asked(ExportFormat.NDJSON), folder, lambda *_: None)
    source.asked.clear()
    with pytest.raises(InvalidParameter, match="has this export already"):
        export_to_folder(source, asked(ExportFormat.NDJSON), folder, lambda *_: None)
    assert source.asked == []


def test_another_export_is_not_gone_on_with(tmp_path: Path) -> None:
    export_to_folder(Source(ExportFormat.NDJSON), asked(ExportFormat.NDJSON), tmp_path, lambda *_: None)
    with pytest.raises(InvalidParameter, match="of another export"):
        export_to_folder(Source(ExportFormat.NDJSON), asked(ExportFormat.NDJSON, event="buy"), tmp_path, lambda *_: None)


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"mine")
    with pytest.raises(InvalidParameter, match="there already"):
        export_to_file(Source(ExportFormat.NDJSON), asked(ExportFormat.NDJSON), tmp_path / "f", lambda *_: None)
    assert (tmp_path / "f").read_bytes() == b"mine"


def test_parquet_and_a_stream_are_asked_for_as_a_whole(tmp_path: Path) -> None:
    source = Source(ExportFormat.PARQUET)
    wanted = asked(
        ExportFormat.PARQUET, date_from="-1d", date_to="now"
    )  # by the plan's bounds, which are the same on another day
    export_to_file(source, wanted, tmp_path / "f", lambda *_: None)
    stream = io.BytesIO()
    export_to_stream(source, wanted, stream, lambda *_: None)
    assert source.asked == [BOUNDS[0][:10]] * 2
    assert stream.getvalue() == (tmp_path / "f").read_bytes() == lines()


def test_a_name_says_what_a_file_is() -> None:
    assert kind_of("a.ndjson", None, None) == Kind(ExportFormat.NDJSON, Compression.NONE)
    assert kind_of("a.jsonl.zst", None, None) == Kind(ExportFormat.NDJSON, Compression.ZSTD)
    assert kind_of("a.b.csv.gz", None, None) == Kind(ExportFormat.CSV, Compression.GZIP)
    assert kind_of("a", "parquet", None) == Kind(ExportFormat.PARQUET, Compression.NONE)
    assert kind_of("", None, "gzip").suffix == ".ndjson.gz"
    for name, form, compression in (("a.txt", None, None), ("a.parquet.gz", None, None), ("a.parquet", None, "zstd")):
        with pytest.raises(InvalidParameter):
            kind_of(name, form, compression)


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("form", [ExportFormat.NDJSON, ExportFormat.CSV])
def test_a_source_that_reads_ahead_gives_the_same(tmp_path: Path, form: ExportFormat, compression: Compression) -> None:
    for name, reads_ahead in (("one", False), ("other", True)):
        source = Source(form, reads_ahead=reads_ahead)
        export_to_file(source, asked(form, compression), tmp_path / name, lambda *_: None)
        assert sorted(source.asked) == sorted(bound[:10] for bound in BOUNDS[:3])
        export_to_folder(source, asked(form, compression), tmp_path / f"{name}s", lambda *_: None)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("ones", "others")]
    assert files[0] == files[1]


def test_a_piece_that_breaks_off_while_the_next_is_begun_is_read_once_more(tmp_path: Path) -> None:
    once = [True]  # whoever reads ahead takes a first block alone, so that it is the first piece
    source = Source(ExportFormat.NDJSON, lambda _: bool(once) and once.pop(), reads_ahead=True)
    export_to_file(source, asked(ExportFormat.NDJSON), tmp_path / "f", lambda *_: None)
    assert (tmp_path / "f").read_bytes() == lines()
    first, *others = (bound[:10] for bound in BOUNDS[:3])
    assert sorted(source.asked) == sorted([first, first, *others])
