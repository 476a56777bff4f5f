"""The metadata of a data folder, for commands that change who may do what. A running server sees the change at its next request."""

import contextlib
import os
from argparse import Namespace
from collections.abc import Generator

from sv.meta.db import Meta
from sv.meta.errors import FolderUnusable
from sv.settings import load


@contextlib.contextmanager
def opened_meta(args: Namespace) -> Generator[Meta]:
    """The metadata of the folder that the settings name. Raises FolderUnusable where no server ever started on it."""
    settings = load(args, os.environ)
    path = settings.data / "sv.db"
    if not path.exists():
        raise FolderUnusable(f"{settings.data} is no data folder yet; `sv serve --data {settings.data}` makes one")
    with Meta.open(path) as meta:
        yield meta
