"""Projects: each has its own events, persons, tokens and timezone.

Answers for names, timezones and ids being right before they are kept. Deleting here only hides a project and ends its
tokens; its events are the store's to remove.
"""

import re
import secrets
from collections.abc import Collection
from typing import Final

import apsw
import msgspec

from sv.meta.db import Meta, Row, Value
from sv.meta.errors import is_taken
from sv.meta.ids import Choose, random_id
from sv.meta.names import checked_name
from sv.meta.paging import ANY_OF, json_list, read_page
from sv.meta.project_tokens import ProjectTokens, add_project_token
from sv.meta.rows import columns, to_struct
from sv.model.calendar import parse_timezone
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.paging import PageQuery
from sv.model.validate import show

MAX_SETTINGS_BYTES: Final = 64 * 1024
"""A project's settings are switches and short lists."""

PROJECT_ID: Final = "1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"
"""What the id of a new project may be."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
"""An id is part of folder names and URLs."""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """timezone: IANA name. settings: a JSON object. Times are Unix milliseconds."""

    id: str
    name: str
    timezone: str
    settings: msgspec.Raw
    created_ms: int


_COLUMNS = f"select {columns(Project)} from projects"
_SELECT = f"{_COLUMNS} where deleted_ms is null"


class Projects:
    """Thread-safe. `tokens` hears of changes to which tokens are good."""

    def __init__(self, meta: Meta, tokens: ProjectTokens) -> None:
        self._meta = meta
        self._tokens = tokens

    def create(
        self,
        name: str,
        *,
        token: str,
        now_ms: int,
        timezone: str = "UTC",
        project_id: str | None = None,
        choose: Choose = secrets.choice,
    ) -> Project:
        """A new project with its first project token; `project_id` None makes one up.

        Raises ValidationFailed for a name, timezone or id that can't be, Conflict for an id or token that exists.
        """
        name = checked_name(name)
        timezone = _checked_timezone(timezone)
        project_id = random_id(choose) if project_id is None else _checked_id(project_id)
        with self._meta.transaction() as writer:
            try:
                writer.execute(
                    "insert into projects (id, name, timezone, settings, created_ms) values (?, ?, ?, '{}', ?)",
                    (project_id, name, timezone, now_ms),
                )
            except apsw.ConstraintError as error:
                if is_taken(error):
                    raise Conflict(f"a project {show(project_id)} exists already, or did once (id)") from error
                raise
            add_project_token(writer, project_id, token, now_ms)
        self._tokens.changed()
        return self.get(project_id)

    def find(self, project_id: str) -> Project | None:
        """The project; None where there is none or it was deleted."""
        row = self._meta.row(f"{_SELECT} and id = ?", project_id)
        return None if row is None else _to_project(row)

    def get(self, project_id: str) -> Project:
        """As `find`, but raises NotFound."""
        project = self.find(project_id)
        if project is None:
            raise NotFound(f"no project {show(project_id)} (project_id)")
        return project

    def list_all(self) -> list[Project]:
        """Every project but the deleted ones, newest first."""
        return [_to_project(row) for row in self._meta.rows(f"{_SELECT} order by created_ms desc, id")]

    def page(self, query: PageQuery, project_ids: Collection[str] | None = None) -> list[Project]:
        """Projects, newest first, and one more than the page has; with `project_ids` these alone."""
        conditions: list[tuple[str, Value]] = [("deleted_ms is ?", None)]
        if project_ids is not None:
            conditions.append((f"id in {ANY_OF}", json_list(project_ids)))
        return [_to_project(row) for row in read_page(self._meta, _COLUMNS, conditions, query)]

    def update(
        self, project_id: str, *, name: str | None = None, timezone: str | None = None, settings: bytes | None = None
    ) -> Project:
        """Change what is given. `settings` is a JSON object that replaces the whole of the old one.

        Raises NotFound, ValidationFailed.
        """
        new_name = None if name is None else checked_name(name)
        new_timezone = None if timezone is None else _checked_timezone(timezone)
        new_settings = None if settings is None else _checked_settings(settings)
        with self._meta.transaction() as writer:
            writer.execute(
                """
                update projects
                set name = coalesce(?, name), timezone = coalesce(?, timezone), settings = coalesce(?, settings)
                where id = ? and deleted_ms is null
                """,
                (new_name, new_timezone, new_settings, project_id),
            )
        return self.get(project_id)

    def delete(self, project_id: str, now_ms: int) -> None:
        """Hide the project for good and end every token that is for it alone. Raises NotFound."""
        with self._meta.transaction() as writer:
            writer.execute("update projects set deleted_ms = ? where id = ? and deleted_ms is null", (now_ms, project_id))
            if not writer.changes():
                raise NotFound(f"no project {show(project_id)} (project_id)")
            for table in ("project_tokens", "api_tokens"):
                writer.execute(
                    f"update {table} set revoked_ms = ? where project_id = ? and revoked_ms is null",
                    (now_ms, project_id),
                )
            writer.execute("delete from memberships where project_id = ?", (project_id,))
        self._tokens.changed()


def _to_project(row: Row) -> Project:
    return to_struct(Project, row, settings=msgspec.Raw(str(row[3]).encode()))


def _checked_timezone(timezone: str) -> str:
    return parse_timezone(timezone, "timezone", ValidationFailed.at).key


def is_project_id(text: str) -> bool:
    """Whether a project may be called so."""
    return _ID.fullmatch(text) is not None


def _checked_id(project_id: str) -> str:
    if is_project_id(project_id):
        return project_id
    raise ValidationFailed.at("id", f"expected {PROJECT_ID}, got {show(project_id)}")


def _checked_settings(settings: bytes) -> str:
    try:
        if len(settings) <= MAX_SETTINGS_BYTES:
            msgspec.json.decode(settings, type=dict[str, object])
            return settings.decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    raise ValidationFailed.at("settings", f"expected a JSON object of at most {MAX_SETTINGS_BYTES:,} bytes")
