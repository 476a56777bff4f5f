"""What a data folder shows before it is opened. Changes nothing, and needs no lock.

Answers for telling what isn't there from what this user may not see: `Path.exists` does it by release of Python, with an error of the
operating system's or without one.
"""

import errno
import os
from pathlib import Path

from sv.meta.errors import FolderUnusable


def look(folder: Path, name: str) -> os.stat_result | None:
    """What the folder has under this name; None for nothing. Raises FolderUnusable where that can't be told."""
    try:
        return (folder / name).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise not_seen(folder, error) from error


def not_seen(folder: Path, error: OSError) -> FolderUnusable:
    """For commands beside the server: to give the folder to whoever runs one would take it from the server."""
    what = f"the data folder {folder} can't be looked into by user {os.geteuid()}: {error.strerror or error}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return FolderUnusable(f"{what}. Be the user that the server runs as, or choose another folder with --data")
    return FolderUnusable(f"{what}. Choose another one with --data")
