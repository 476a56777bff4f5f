"""The audit trail: who changed what, when, and on which project.

Answers for an entry being written in the transaction of the change it tells of: `add` is called within `Meta.together`. Entries are never
changed, and go when they are old. Assumes that callers hand over no secrets. Times are Unix milliseconds.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from sv.meta.db import Meta, Row
from sv.meta.paging import read_page
from sv.meta.rows import columns, to_struct
from sv.model import limits
from sv.model.access import Actor
from sv.model.errors import InvalidParameter
from sv.model.paging import PageQuery

_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_NOTHING: Final = msgspec.Raw(b"null")


class AuditEntry(Struct, frozen=True, kw_only=True):
    """action: as in `project.update`. target: what was changed, by its id and its name at that time. before, after: JSON objects of what
    changed, or null."""

    id: int
    at_ms: int
    actor_kind: str
    actor_id: str | None
    actor_name: str
    action: str
    project_id: str | None
    target_id: str
    target_name: str
    before: msgspec.Raw
    after: msgspec.Raw


_SELECT = f"select {columns(AuditEntry)} from audit"


class Audit:
    """Thread-safe. keep_ms: how long entries are kept."""

    def __init__(self, meta: Meta, *, keep_ms: int) -> None:
        self._meta = meta
        self._keep_ms = keep_ms

    def add(
        self,
        actor: Actor,
        action: str,
        *,
        target_id: str,
        target_name: str,
        project_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        now_ms: int,
    ) -> None:
        """Write an entry, in the caller's transaction, and clear away what is too much."""
        with self._meta.transaction() as writer:
            writer.execute(
                """
                insert into audit
                    (at_ms, actor_kind, actor_id, actor_name, action, project_id, target_id, target_name, before, after)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (
                    now_ms,
                    actor.kind,
                    actor.id,
                    actor.name,
                    action,
                    project_id,
                    target_id,
                    target_name,
                    _json(before),
                    _json(after),
                ),
            )
            writer.execute("delete from audit where id <= (select max(id) from audit) - ?", (limits.MAX_AUDIT_ENTRIES,))

    def forget_old(self, now_ms: int) -> None:
        """Clear away what is too old. For the server, whose settings say what is."""
        before_ms = now_ms - self._keep_ms
        if self._meta.row("select 1 from audit where at_ms < ? limit 1", before_ms) is not None:
            with self._meta.transaction() as writer:
                writer.execute("delete from audit where at_ms < ?", (before_ms,))

    def page(self, query: PageQuery, project_id: str | None = None) -> list[AuditEntry]:
        """Entries of one project, or of the whole instance, newest first, and one more than the page has.

        Raises InvalidParameter for a cursor of another list.
        """
        if query.after is not None and _NUMBER.fullmatch(query.after.id) is None:
            raise InvalidParameter("cursor: expected the next_cursor of a page before, got another list's")
        conditions = [] if project_id is None else [("project_id = ?", project_id)]
        rows = read_page(self._meta, _SELECT, conditions, query, ts="at_ms", id_column="id")
        return [_to_entry(row) for row in rows]


def _json(side: Mapping[str, Any] | None) -> str | None:
    if side is None:
        return None
    text = msgspec.json.encode(side).decode()
    return text if len(text) <= limits.MAX_AUDIT_VALUE_CHARS else '{"note":"too long to keep"}'


def _to_entry(row: Row) -> AuditEntry:
    before, after = (_NOTHING if value is None else msgspec.Raw(str(value).encode()) for value in row[-2:])
    return to_struct(AuditEntry, row, before=before, after=after)
