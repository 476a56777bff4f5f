"""A data folder at rest, opened in this process for commands that read or add events."""

import contextlib
from collections.abc import Generator

from sv.cli.cutting_off import ending_soon
from sv.cli.folder_access import check_folder, listed, open_or_tell
from sv.engine.prefetch import PREFETCH_BYTES
from sv.exports.sources import LocalSource, Source
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter, NotFound
from sv.server import Server
from sv.settings import Settings
from sv.settings.memory import engine_bytes


@contextlib.contextmanager
def local_source(settings: Settings, project_id: str | None, doing: str) -> Generator[tuple[Source, str]]:
    """The events of one project and its id. project_id: None where the folder has one project alone. doing: see `opened_server`.

    Raises FolderUnusable, FolderInUse, NotFound, InvalidParameter.
    """
    with opened_server(settings, doing) as server:
        project = project_of(server, project_id)
        from sv.model.exports import parse_export_query

        exports, found_id, timezone = server.open_exports(), project.id, project.timezone
        source = LocalSource(
            lambda pairs: parse_export_query(pairs, timezone=timezone, now_ms=server.clock()),
            lambda query: exports.plan(found_id, query, server.clock()),
            lambda query: exports.blocks(found_id, query),
            reads_ahead=engine_bytes(settings.memory_limit) >= PREFETCH_BYTES,
        )
        yield source, found_id


def project_of(server: Server, project_id: str | None) -> Project:
    """The project of that id; None means the only one there is. Raises NotFound, InvalidParameter."""
    projects = server.projects.list_all()
    folder, ids = server.settings.data, listed(projects)
    if not projects:
        raise NotFound(f"{folder} has no project yet; `sv project create NAME --data {folder}` makes one")
    if project_id is None and len(projects) != 1:
        raise InvalidParameter(f"{folder} has several projects, name one of {ids} (--project)")
    project = projects[0] if project_id is None else server.projects.find(project_id)
    if project is None:
        raise NotFound(f"no project {project_id!r} in {folder}; its projects are {ids} (--project)")
    return project


@contextlib.contextmanager
def opened_server(settings: Settings, doing: str) -> Generator[Server]:
    """The data folder, open in this process. doing: what is better done with a running server, as in "Export from".

    Raises FolderUnusable, FolderInUse and what else `Server.open` does.
    """
    check_folder(settings.data, f". {doing} a running server: --url URL --api-token TOKEN")
    server = Server(settings)
    server.gives_way = False
    open_or_tell(server, lambda url: f"{doing} the running server: --url {url} --api-token TOKEN")
    try:
        with ending_soon(server.store.interrupt_all):
            yield server
    finally:
        server.close()
