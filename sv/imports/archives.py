"""Opens a zip as the files in it: files of JSON lines are read together, since exports have one for each hour; every other file by
itself."""

import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sv.imports.files import Format, UserFile, format_by_name
from sv.model.errors import BadFile

_SUFFIX = ".zip"


def files_at(path: Path, file_format: Format | None) -> list[UserFile]:
    """The file, or what is to be read of it where it is a zip. Raises BadFile."""
    if path.suffix.lower() != _SUFFIX or not path.is_file():
        return [UserFile(path, file_format)]
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir() and not info.flag_bits & 1]
    except (zipfile.BadZipFile, OSError) as error:
        raise BadFile(f"{path} can't be read as a zip: {error}") from error
    found = _files_of(path, sorted(members), file_format)
    if not found:
        raise BadFile(f"{path}: none of the {len(members):,} files in it that are not encrypted is NDJSON, CSV or Parquet")
    return found


def _files_of(path: Path, members: Sequence[str], file_format: Format | None) -> list[UserFile]:
    lines: list[str] = []
    others: list[UserFile] = []
    for member in members:
        name = PurePosixPath(member)
        kind = None if name.name.startswith(".") or name.parts[0] == "__MACOSX" else format_by_name(name)
        if kind is not None and file_format in (None, kind):
            if kind is Format.NDJSON:
                lines.append(member)
            else:
                others.append(UserFile(path, kind, (member,)))
    return ([UserFile(path, Format.NDJSON, tuple(lines))] if lines else []) + others
