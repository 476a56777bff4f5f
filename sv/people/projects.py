"""Changes to projects. Who may is asked before: making and deleting is for the whole instance, the rest for the project."""

import logging
from typing import Any, NamedTuple

from msgspec import to_builtins

from sv.auth.tokens import make_project_token
from sv.meta.deleted_marks import mark_deleted, marked_deleted, unmark_deleted
from sv.meta.projects import Project
from sv.model.access import Actor
from sv.model.errors import Conflict, NotFound, SvError, Unavailable
from sv.model.project_settings import (
    ProjectSettings,
    change_project_settings,
    encode_project_settings,
    read_project_settings,
)
from sv.model.redaction import public_message, redacted
from sv.model.validate import Problems, show
from sv.people.bodies import ProjectChange
from sv.people.people import People

log = logging.getLogger(__name__)


class WithToken(NamedTuple):
    """A project and its newest project token."""

    project: Project
    project_token: str


def create_project(people: People, actor: Actor, new: ProjectChange) -> WithToken:
    """Raises ValidationFailed, and Conflict for an id that exists or did."""
    token = make_project_token()
    with people.meta.together():
        project = people.projects.create(
            new.name or "", token=token, now_ms=people.now_ms(), timezone=new.timezone or "UTC", project_id=new.project_id
        )
        if new.settings is not None:
            settings = _changed(ProjectSettings(), new.settings)
            project = people.projects.update(project.id, settings=encode_project_settings(settings))
        people.note(actor, "project.create", (project.id, project.name), project_id=project.id, after=_shown(project))
    people.project_tokens.changed()
    return WithToken(project, token)


def change_project(people: People, actor: Actor, project_id: str, change: ProjectChange) -> Project:
    """Raises NotFound, ValidationFailed. A change that changes nothing leaves no trace."""
    with people.meta.together():
        old = people.projects.get(project_id)
        settings = None
        if change.settings is not None:
            settings = encode_project_settings(_changed(read_project_settings(old.settings), change.settings))
        project = people.projects.update(project_id, name=change.name, timezone=change.timezone, settings=settings)
        target = (project.id, project.name)
        people.note_change(actor, "project.update", target, project_id=project.id, before=_shown(old), after=_shown(project))
    return project


def rotate_project_token(people: People, actor: Actor, project_id: str, overlap_ms: int) -> WithToken:
    """A new project token; the old ones stay good for the overlap. Raises NotFound, and Conflict where too many are good."""
    token = make_project_token()
    with people.meta.together():
        project = people.projects.get(project_id)
        people.project_tokens.rotate(project_id, token, people.now_ms(), overlap_ms=overlap_ms)
        overlap = {"overlap_hours": round(overlap_ms / 3_600_000, 3)}
        people.note(actor, "project.rotate_token", (project.id, project.name), project_id=project_id, after=overlap)
    people.project_tokens.changed()
    return WithToken(project, token)


def delete_project(people: People, actor: Actor, project_id: str) -> None:
    """Hide the project for good, and end all tokens and roles that are for it alone. Its events are the store's to remove.

    Raises NotFound, Conflict for the one that `sv dev` is for, and Unavailable where the disk takes neither the mark beside the catalog nor
    the deletion; then it is as it was.
    """
    if project_id == people.kept_project:
        raise Conflict(f"project {show(project_id)} is the one that `sv dev` always has; make another one to delete (project_id)")
    try:
        with people.meta.together():  # other deletions wait, so that none takes back what another one marked
            project = people.projects.get(project_id)
            # SCAR: not after the commit. A process killed in between left a deletion that a catalog made anew knew nothing of.
            mark_deleted(people.meta.path.parent, [project_id])
            people.projects.delete(project_id, people.now_ms())
            people.note(actor, "project.delete", (project.id, project.name), project_id=project_id, before=_shown(project))
    except NotFound:
        raise
    except OSError as error:
        _take_mark_back(people, project_id)
        raise Unavailable(f"the project can't be marked as deleted, and isn't: {public_message(error)}") from error
    except BaseException:
        _take_mark_back(people, project_id)
        raise
    people.project_tokens.changed()


def _take_mark_back(people: People, project_id: str) -> None:
    """After a deletion that failed, unless the project is deleted.

    SCAR: in a transaction. The one that failed at its sync may come back after a crash until another one has begun (META-2), and somebody
    else may have deleted the project meanwhile.
    """
    data = people.meta.path.parent
    try:
        if project_id not in marked_deleted(data):
            return
        with people.meta.transaction():
            if people.projects.find(project_id) is not None:
                unmark_deleted(data, [project_id])
    except (SvError, OSError) as error:
        log.error("the mark that project %s is deleted can't be removed before the next start: %s", project_id, redacted(error))


def _changed(settings: ProjectSettings, change: object) -> ProjectSettings:
    problems = Problems()
    changed = change_project_settings(settings, change, problems)
    problems.finish()
    return changed


def _shown(project: Project) -> dict[str, Any]:
    settings: dict[str, Any] = to_builtins(read_project_settings(project.settings))
    return {"name": project.name, "timezone": project.timezone} | settings
