"""Opening a data folder's projects and users, for commands that change who may do what. A running server sees the change at its next
request."""

import contextlib
import json
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final

from sv.cli.credentials import kept_project
from sv.meta.db import Meta
from sv.meta.errors import FolderInUse, FolderUnusable
from sv.meta.lock import read_holder
from sv.meta.projects import Project
from sv.model.access import Actor
from sv.model.data_folder import CATALOG
from sv.model.errors import NotFound
from sv.people.people import People
from sv.server import Server, now_ms
from sv.settings import add_flags, load
from sv.store.files import has_catalog, refuse_lost_catalog

MAX_LISTED: Final = 20
"""Projects, where one is asked for that isn't there."""


def check_folder(data: Path, otherwise: str = "") -> None:
    """Raises FolderUnusable where the folder isn't a data folder yet: making one under a mistyped name would help nobody. Raises the same
    where this user may not look into it, and FolderDamaged where it has event files but no catalog.

    otherwise: what to add to the message, for a command that could do something else.
    """
    refuse_lost_catalog(data)
    if not has_catalog(data):
        raise FolderUnusable(
            f"{data} is no data folder yet; name another one with --data, or have `sv serve --data {data}` make it{otherwise}"
        )


def open_or_tell(server: Server, instead: Callable[[str], str]) -> None:
    """Open the server's folder. Where a running one has it, FolderInUse says what to do instead, which is made of that one's address."""
    try:
        server.open()
    except FolderInUse as fault:
        folder = server.settings.data
        holder = read_holder(folder)
        if holder is None or holder.url is None:
            raise
        raise FolderInUse(f"{folder} is in use by {holder}. {instead(holder.url)}") from fault


@contextlib.contextmanager
def opened_people(args: Namespace) -> Generator[People]:
    """Projects, users and tokens of the data folder that the settings name. Raises what `check_folder` does."""
    settings = load(args, os.environ)
    check_folder(settings.data)
    with Meta.open(settings.data / CATALOG) as meta:
        people = People(meta, now_ms=now_ms, monotonic_s=time.monotonic)
        people.kept_project = kept_project(meta)
        try:
            yield people
        except NotFound as fault:
            if fault.message.endswith("(token_id)"):
                raise NotFound(f"{fault.message}; `sv token list` has the ids, which come first in its lines") from fault
            if not fault.message.endswith("(project_id)"):
                raise
            raise NotFound(f"{fault.message}; {settings.data} has {listed(people.projects.list_all())}") from fault


def listed(projects: Sequence[Project]) -> str:
    """Their ids, for who has named another one."""
    more = f" and {len(projects) - MAX_LISTED:,} more" if len(projects) > MAX_LISTED else ""
    return (", ".join(project.id for project in projects[:MAX_LISTED]) or "none yet") + more


def add_common_flags(actions: Sequence[ArgumentParser]) -> None:
    """Adds the flags that every action of these commands takes."""
    for action in actions:
        action.add_argument("--json", action="store_true", help="answer in JSON")
        add_flags(action, ["data"])


def this_person() -> Actor:
    """Who runs the command, for the audit trail: the user's name at the operating system."""
    import getpass

    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in a container
        name = f"uid {os.getuid()}"
    return Actor("cli", None, name)


def print_json(rows: Sequence[dict[str, Any]]) -> None:
    print(json.dumps(list(rows), ensure_ascii=False))
