"""Project tokens: public, write-only, several to a project while one is being replaced.

Answers for which token stands for which project now. Ingest asks that for every request, so it keeps a snapshot and
takes a new one when `version` has moved or the snapshot is some seconds old (`sv.auth.live_tokens`).
"""

import threading
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.errors import is_taken
from sv.meta.rows import columns, to_struct
from sv.model.errors import Conflict, NotFound
from sv.model.limits import MAX_LIVE_PROJECT_TOKENS
from sv.model.validate import show

NEVER_MS: Final = 2**63 - 1
"""As the end of something without an end."""

# ?1 is now, in Unix milliseconds.
_LIVE = "from project_tokens where revoked_ms is null and (expires_ms is null or expires_ms > ?1)"


class ProjectToken(Struct, frozen=True, kw_only=True):
    """Times are Unix milliseconds; a token is good until it expires or is revoked, whichever comes first."""

    token: str
    project_id: str
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


class ProjectTokenSnapshot(Struct, frozen=True):
    """Every good token with its project, as of `version`."""

    version: int
    projects: dict[str, str]


class ProjectTokens:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._version = 0
        self._lock = threading.Lock()

    @property
    def version(self) -> int:
        """Changes whenever the answer of `all_project_tokens` would change, except for tokens that merely expire."""
        return self._version

    def changed(self) -> None:
        """To be called after the commit of any such change."""
        with self._lock:
            self._version += 1

    def all_project_tokens(self, now_ms: int) -> ProjectTokenSnapshot:
        """Every token that is good now."""
        # The version first: a change that comes between is then seen as one more, never missed.
        version = self._version
        rows = self._meta.rows(f"select token, project_id {_LIVE}", now_ms)
        return ProjectTokenSnapshot(version, {str(token): str(project_id) for token, project_id in rows})

    def resolve_project_token(self, token: str, now_ms: int) -> str | None:
        """The project that the token writes to; None for one that is unknown, expired, revoked or of a deleted project."""
        row = self._meta.row(f"select project_id {_LIVE} and token = ?2", now_ms, token)
        return None if row is None else str(row[0])

    def tokens_of(self, project_id: str) -> list[ProjectToken]:
        """All tokens that the project ever had, newest first."""
        rows = self._meta.rows(
            f"select {columns(ProjectToken)} from project_tokens where project_id = ? order by created_ms desc, token",
            project_id,
        )
        return [to_struct(ProjectToken, row) for row in rows]

    def rotate(self, project_id: str, token: str, now_ms: int, *, overlap_ms: int = 0) -> None:
        """Give the project a new token; the ones it has stay good for `overlap_ms` (0: not at all).

        Raises NotFound for an unknown or deleted project, Conflict for a token that exists, or where too many are good.
        """
        with self._meta.transaction() as writer:
            live = writer.execute(f"select token {_LIVE} and project_id = ?2", (now_ms, project_id)).fetchall()
            if overlap_ms > 0 and len(live) >= MAX_LIVE_PROJECT_TOKENS:
                raise Conflict(
                    f"{len(live)} project tokens are good already; wait for old ones to end, or rotate without an overlap"
                )
            writer.execute(
                """
                update project_tokens
                set expires_ms = min(coalesce(expires_ms, ?1), ?1)
                where project_id = ?2 and revoked_ms is null
                """,
                (now_ms + overlap_ms, project_id),
            )
            add_project_token(writer, project_id, token, now_ms)
        self.changed()

    def revoke(self, token: str, now_ms: int) -> None:
        """End a token at once. Raises NotFound for an unknown one; a second time changes nothing."""
        with self._meta.transaction() as writer:
            writer.execute("update project_tokens set revoked_ms = coalesce(revoked_ms, ?) where token = ?", (now_ms, token))
            if not writer.changes():
                raise NotFound("no such project token")
        self.changed()

    def revive(self, token: str) -> None:
        """Make a token good again that has ended or will, without an end from now on. Raises NotFound for an unknown one."""
        with self._meta.transaction() as writer:
            writer.execute("update project_tokens set revoked_ms = null, expires_ms = null where token = ?", (token,))
            if not writer.changes():
                raise NotFound("no such project token")
        self.changed()


def add_project_token(writer: apsw.Connection, project_id: str, token: str, now_ms: int) -> None:
    """Add a token inside a transaction of the caller, who has to call `changed` after it. Raises NotFound for an unknown or deleted
    project, Conflict for a token that exists."""
    try:
        writer.execute(
            """
            insert into project_tokens (token, project_id, created_ms)
            select ?, id, ?
            from projects
            where id = ? and deleted_ms is null
            """,
            (token, now_ms, project_id),
        )
    except apsw.ConstraintError as error:
        if is_taken(error):
            raise Conflict("this project token exists already") from error
        raise
    if not writer.changes():
        raise NotFound(f"no project {show(project_id)} (project_id)")
