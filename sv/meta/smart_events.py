"""Smart events, by project.

Answers for names being unique among those that aren't archived, for versions, and for no smart event being deleted while somebody uses it.
Assumes that names, descriptions and rules are read already (`sv.model.saved_parsing`). Nothing of one project is
found through another.
"""

from collections.abc import Collection, Sequence
from typing import Final

import apsw
import msgspec

from sv.meta.db import Meta, Row
from sv.meta.errors import FolderDamaged, is_taken
from sv.meta.ids import random_id
from sv.meta.smart_event_uses import uses_of
from sv.model.cursor import Cursor
from sv.model.errors import Conflict, NotFound
from sv.model.limits import MAX_SMART_EVENTS
from sv.model.smart_events import Rule, SmartEvent, read_rules, rule_json
from sv.model.validate import Problems, show

_SELECT: Final = (
    "select id, name, description, rules, is_archived, version, created_ms, updated_ms from smart_events where project_id = ?1"
)


class SmartEvents:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def create(self, project_id: str, *, name: str, description: str, rules: Sequence[Rule], now_ms: int) -> SmartEvent:
        """A new one. Raises Conflict for a name that is taken, and where the project has as many as it may."""
        smart_event_id = random_id()
        with self._meta.transaction() as writer:
            counted = writer.execute("select count(*) from smart_events where project_id = ?", (project_id,)).fetchall()
            if int(str(counted[0][0])) >= MAX_SMART_EVENTS:
                raise Conflict(
                    f"expected at most {MAX_SMART_EVENTS} smart events in a project, archived ones too; delete some first"
                )
            try:
                writer.execute(
                    """
                    insert into smart_events (id, project_id, name, description, rules, created_ms, updated_ms)
                    values (?, ?, ?, ?, ?, ?6, ?6)
                    """,
                    (smart_event_id, project_id, name, description, _rules_text(rules), now_ms),
                )
            except apsw.ConstraintError as error:
                raise _name_taken(error, name) from error
        return self.get(project_id, smart_event_id)

    def find(self, project_id: str, ids: Collection[str]) -> dict[str, SmartEvent]:
        """Those of the ids that the project has, archived ones too."""
        if not ids:
            return {}
        rows = self._meta.rows(f"{_SELECT} and id in (select value from json_each(?2))", project_id, _json(list(ids)))
        return {smart.id: smart for smart in map(_to_smart_event, rows)}

    def get(self, project_id: str, smart_event_id: str) -> SmartEvent:
        """The smart event, archived or not. Raises NotFound."""
        found = self.find(project_id, [smart_event_id])
        if smart_event_id not in found:
            raise NotFound(_absent(smart_event_id))
        return found[smart_event_id]

    def page(self, project_id: str, *, limit: int, cursor: Cursor | None, include_archived: bool) -> list[SmartEvent]:
        """The newest after the cursor, at most `limit`. Order: (created_ms, id), descending."""
        before_ms, before_id = (cursor.ts, cursor.id) if cursor else (None, None)
        rows = self._meta.rows(
            f"""
            {_SELECT}
              and (?2 is null or (created_ms, id) < (?2, ?3))
              and (?4 or not is_archived)
            order by created_ms desc, id desc
            limit ?5
            """,
            project_id,
            before_ms,
            before_id,
            include_archived,
            limit,
        )
        return [_to_smart_event(row) for row in rows]

    def update(
        self,
        project_id: str,
        smart_event_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        rules: Sequence[Rule] | None = None,
        is_archived: bool | None = None,
        now_ms: int,
    ) -> SmartEvent:
        """Change what is given, as one new version. Raises NotFound, and Conflict for a name that is taken."""
        with self._meta.transaction() as writer:
            try:
                writer.execute(
                    """
                    update smart_events
                    set
                      name = coalesce(?3, name), description = coalesce(?4, description), rules = coalesce(?5, rules),
                      is_archived = coalesce(?6, is_archived), version = version + 1, updated_ms = max(?7, created_ms)
                    where project_id = ?1 and id = ?2
                    """,
                    (
                        project_id,
                        smart_event_id,
                        name,
                        description,
                        None if rules is None else _rules_text(rules),
                        is_archived,
                        now_ms,
                    ),
                )
            except apsw.ConstraintError as error:
                raise _name_taken(error, name) from error
            if not writer.changes():
                raise NotFound(_absent(smart_event_id))
        return self.get(project_id, smart_event_id)

    def delete(self, project_id: str, smart_event_id: str) -> None:
        """Remove it for good. Raises NotFound, and Conflict naming who uses it."""
        with self._meta.transaction() as writer:
            known = "select 1 from smart_events where project_id = ? and id = ?"
            if not writer.execute(known, (project_id, smart_event_id)).fetchall():
                raise NotFound(_absent(smart_event_id))
            uses, count = uses_of(writer, smart_event_id)
            if uses:
                named = ", ".join(f"the {use.by_kind} {show(use.by_name)} ({use.by_id})" for use in uses)
                more = f" and {count - len(uses)} more" if count > len(uses) else ""
                raise Conflict(f"smart event {show(smart_event_id)} is used by {named}{more}; change or delete that first")
            writer.execute("delete from smart_events where id = ?", (smart_event_id,))


def _to_smart_event(row: Row) -> SmartEvent:
    smart_event_id, name, description, rules, is_archived, version, created_ms, updated_ms = row
    problems = Problems()
    read = read_rules([(f"rules[{place}]", item) for place, item in enumerate(msgspec.json.decode(str(rules)))], problems)
    if problems:
        raise FolderDamaged(f"the metadata holds a smart event that can't be right: {problems.message()}")
    return SmartEvent(
        id=str(smart_event_id),
        name=str(name),
        description=str(description),
        rules=read,
        is_archived=bool(is_archived),
        version=int(str(version)),
        created_ms=int(str(created_ms)),
        updated_ms=int(str(updated_ms)),
    )


def _rules_text(rules: Sequence[Rule]) -> str:
    return _json([rule_json(rule) for rule in rules])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _name_taken(error: apsw.ConstraintError, name: str | None) -> Exception:
    if not is_taken(error):
        return error
    called = "that name" if name is None else show(name)
    return Conflict(f"another smart event of this project is called {called} (name)")


def _absent(smart_event_id: str) -> str:
    return f"no smart event {show(smart_event_id)} (action_id)"
