"""Which reader a file is read by: the one that the user names, else one that is certain, else none, and then the file is ours."""

from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from pathlib import PurePath
from typing import Any, Final

from msgspec import Struct

from sv.imports.columns import Columns, Meaning, RowError
from sv.imports.delimited import columns_of_csv
from sv.imports.files import Format, UserFile
from sv.imports.ndjson import NdjsonSource
from sv.imports.other_products import amplitude, mixpanel, plausible, posthog, umami
from sv.imports.other_products.reader import Peek, Reader
from sv.imports.rows import Row, Source
from sv.model.errors import InvalidParameter

READERS: Final = {
    reader.name: reader for reader in (posthog.READER, mixpanel.READER, amplitude.READER, plausible.READER, umami.READER)
}
OURS: Final = "sv"
AUTO: Final = "auto"
SOURCES: Final = (AUTO, OURS, *READERS)
"""What the user may name."""


class ForeignColumns(Columns):
    """The columns of another product's export, all read at once by its reader. file_name: without folders."""

    def __init__(self, reader: Reader, file_name: str) -> None:
        super().__init__({})
        self.reader = reader
        self._file_name = file_name

    def describe(self) -> list[tuple[str, str]]:
        return [("--from", self.reader.name)]

    @property
    def are_plain(self) -> bool:
        return False

    def of(self, column: str) -> Meaning:
        return Meaning(self.reader.fields.get(column), property_name=column)

    def must_be_text(self, column: str) -> bool:  # noqa: ARG002 - the reader knows what is a number
        return True

    def check(self, source: Source, name: str) -> None:
        missing = sorted(self.reader.needs.difference(source.columns)) if source.columns is not None else []
        if missing:
            raise InvalidParameter(f"{name} is not {self.reader.title}: it has no column {', '.join(missing)} (--from)")

    def check_times(self, source: Source, columns: Iterable[str], name: str) -> None:
        """Readers know where the time is."""

    def event_of(self, fields: dict[str, Any], zone: tzinfo, *, has_text_fields: bool) -> tuple[dict[str, Any], str]:  # noqa: ARG002
        return self.reader.event_of(fields, zone, self._file_name), ""


class Chosen(Struct, frozen=True):
    """A file and what its columns mean. reader: of another product; None for our own fields."""

    file: UserFile
    columns: Columns
    reader: Reader | None


def choose(files: Sequence[UserFile], wanted: str, columns: Columns) -> tuple[list[Chosen], list[UserFile]]:
    """The files to read, and those that are left out: members of an archive that no reader knows, beside others that one does.

    columns: what the user said of columns. wanted: one of SOURCES. Raises InvalidParameter for a reader that can't read such a file.
    """
    if wanted in READERS and columns.mapped:
        raise InvalidParameter(
            f"--map is for files of one's own; what the columns of {READERS[wanted].title} mean is known (--from)"
        )
    chosen = [_chosen(file, wanted, columns) for file in files]
    known = {each.file.path for each in chosen if each.reader is not None}
    is_left_out = [each.reader is None and each.file.members != () and each.file.path in known for each in chosen]
    return (
        [each for each, is_out in zip(chosen, is_left_out, strict=True) if not is_out],
        [each.file for each, is_out in zip(chosen, is_left_out, strict=True) if is_out],
    )


def _chosen(file: UserFile, wanted: str, columns: Columns) -> Chosen:
    reader: Reader | None = None
    if wanted in READERS:
        reader = READERS[wanted]
        if file.format not in reader.formats:
            if not file.members:
                known = ", ".join(reader.formats)
                raise InvalidParameter(f"{file.name}: {reader.title} is {known}, and the file is {file.format} (--from)")
            reader = None
        elif file.members and not reader.needs <= _peek(file).names:
            reader = None
    elif wanted == AUTO and not columns.mapped:
        peek = _peek(file)
        reader = next((each for each in READERS.values() if file.format in each.formats and each.is_certain(peek)), None)
    return Chosen(file, columns if reader is None else ForeignColumns(reader, _base_name(file)), reader)


def _peek(file: UserFile) -> Peek:
    """What a file shows at a glance; nothing where it can't be read, which whoever reads it will say."""
    first: dict[str, Any] = {}
    names: Iterable[str] = ()
    try:
        match file.format:
            case Format.NDJSON:
                row = next(NdjsonSource(file).rows(0), None)
                names = first = row.fields if isinstance(row, Row) else {}
            case Format.CSV:
                names = columns_of_csv(file)
            case Format.PARQUET:
                from sv.imports.parquet import ParquetSource

                source = ParquetSource(file, Columns({}), UTC)
                names = source.columns
                source.close()
    except (InvalidParameter, RowError):
        names = ()
    return Peek(_base_name(file), frozenset(names), first)


def _base_name(file: UserFile) -> str:
    return PurePath(file.members[0] if len(file.members) == 1 else file.path.name).name
