"""The manifest of a copy of a data folder: which files belong to it, where each lies, and its size and digest."""

from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec import Struct

from sv.model.data_folder import MANIFEST
from sv.model.errors import Unavailable
from sv.store.files import write_durably

FILES: Final = "files"
"""The folder that the copies lie in. Nothing outside it is ever removed."""

VERSION: Final = 1


class Kept(Struct, frozen=True):
    """A file of the copy. path: in a data folder. stored: below `files/`. mtime_ns: of the original, so that a changed one is told."""

    path: str
    stored: str
    size: int
    mtime_ns: int
    sha256: str

    def __post_init__(self) -> None:
        for text in (self.path, self.stored):
            if not is_plain(text):
                raise ValueError(f"expected a plain relative path, got {text!r}")


class Manifest(Struct, frozen=True):
    """serial: how many copies the target has had. began_ms: all that was acknowledged before is in it, Unix milliseconds."""

    version: int
    serial: int
    folder_id: str
    began_ms: int
    files: tuple[Kept, ...]

    @property
    def bytes(self) -> int:
        return sum(kept.size for kept in self.files)


def read_manifest(target: Path) -> Manifest | None:
    """The manifest of the copy that is there, or None. Raises Unavailable for one that can't be read, or a newer release's."""
    path = target / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Unavailable(f"{path} can't be read: {error}") from error
    if manifest.version != VERSION:
        raise Unavailable(f"{path} was written by a newer release (version {manifest.version}, this one knows {VERSION})")
    return manifest


def write_manifest(target: Path, manifest: Manifest) -> None:
    """Put it in the place of the one before, durably and in one step. Raises OSError."""
    write_durably(target / MANIFEST, lambda temporary: temporary.write_bytes(msgspec.json.encode(manifest)))


def is_plain(text: str) -> bool:
    """Whether a path stays below the folder that it is joined to."""
    path = PurePosixPath(text)
    return text == str(path) and text not in {"", "."} and "\0" not in text and not path.is_absolute() and ".." not in path.parts
