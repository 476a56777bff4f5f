"""Parts: immutable Parquet files of events, as the catalog lists them.

Answers for the shape of a part and for paths that can't leave the data folder. Never touches a file: whether it
is there, and readable, is the store's to find out.
"""

from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import asdict


class NewPart(Struct, frozen=True, kw_only=True):
    """A part about to enter the catalog. Its file is durable under `path` before anybody records it.

    path: relative to the data folder, with `/`, without `.` and `..`; unique for ever.
    day: UTC day (`2025-01-31`) of every event in it, or None where it holds several days.
    bytes: size of the file. min_ts_ms … max_received_ms: Unix milliseconds, both ends inclusive.
    level: 0 from a flush, else 1 + the highest level that was merged into it.
    schema_version: which columns the file has. created_ms: when it was written, Unix milliseconds.

    Raises ValueError for a path that could point outside the data folder: files at catalog paths get deleted.
    """

    project_id: str
    path: str
    day: str | None
    rows: int
    bytes: int
    min_ts_ms: int
    max_ts_ms: int
    min_received_ms: int
    max_received_ms: int
    level: int = 0
    schema_version: int = 1
    created_ms: int = 0

    def __post_init__(self) -> None:
        if not _is_plain(self.path):
            raise ValueError(f"expected a plain relative path, got {self.path!r} (path)")


class Part(NewPart, frozen=True, kw_only=True):
    """A part in the catalog. `part_id` grows with every part recorded and is never given out twice."""

    part_id: int

    @property
    def keys_path(self) -> str:
        """Where the part's key file lies, if it has one, relative to the data folder."""
        _, _, below = self.path.partition("/")
        return f"keys/{below.removesuffix('.parquet')}.keys"

    @classmethod
    def recorded(cls, new: NewPart, part_id: int) -> "Part":
        """The same part once the catalog has given it its number."""
        return cls(part_id=part_id, **asdict(new))


def _is_plain(text: str) -> bool:
    path = PurePosixPath(text)
    is_normal = text == str(path) and text not in {"", "."} and "\0" not in text
    return is_normal and not path.is_absolute() and ".." not in path.parts
