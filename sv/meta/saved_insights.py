"""Insights that people keep: a name for a query, by project.

Answers for its uses of smart events being known (`smart_event_uses`) from the moment it is kept, and for its staying while a dashboard
shows it. Assumes that names, descriptions and queries are read already (`sv.model.saved_parsing`); a query is kept as it was sent. Nothing
of one project is found through another.
"""

from collections.abc import Collection
from typing import Final

import apsw
import msgspec

from sv.meta.db import Meta, Row
from sv.meta.ids import random_id
from sv.meta.rows import columns, to_struct
from sv.meta.smart_event_uses import SHOWN_USES, Use, drop_uses, rename_user, set_uses
from sv.model.cursor import Cursor
from sv.model.errors import Conflict, NotFound
from sv.model.limits import MAX_SAVED_INSIGHTS
from sv.model.saved_parsing import ChartKind, InsightKind
from sv.model.validate import show

KIND: Final = "saved insight"
"""What it is called where it uses a smart event."""


class SavedInsight(msgspec.Struct, frozen=True, kw_only=True):
    """query: the insight's body, a JSON object. version: from 1, one more with each change. chart: None for funnels. Times are Unix
    milliseconds."""

    id: str
    name: str
    description: str
    kind: InsightKind
    query: msgspec.Raw
    version: int
    created_ms: int
    updated_ms: int
    chart: ChartKind | None = None


_SELECT: Final = f"select {columns(SavedInsight)} from saved_insights where project_id = ?1"


class SavedInsights:
    """Thread-safe. action_ids: the smart events that a query names."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def create(
        self,
        project_id: str,
        *,
        name: str,
        description: str,
        kind: InsightKind,
        query: bytes,
        action_ids: Collection[str],
        now_ms: int,
        chart: ChartKind | None = None,
    ) -> SavedInsight:
        """A new one. Raises Conflict where the project has as many as it may, ValidationFailed for smart events that are not there."""
        insight_id = random_id()
        with self._meta.transaction() as writer:
            counted = writer.execute("select count(*) from saved_insights where project_id = ?", (project_id,)).fetchall()
            if int(str(counted[0][0])) >= MAX_SAVED_INSIGHTS:
                raise Conflict(f"expected at most {MAX_SAVED_INSIGHTS:,} saved insights in a project; delete some first")
            writer.execute(
                """
                insert into saved_insights (id, project_id, name, description, kind, query, created_ms, updated_ms, chart)
                values (?, ?, ?, ?, ?, ?, ?7, ?7, ?8)
                """,
                (insight_id, project_id, name, description, kind.value, query.decode(), now_ms, chart and chart.value),
            )
            set_uses(writer, project_id, Use(KIND, insight_id, name), action_ids)
        return self.get(project_id, insight_id)

    def get(self, project_id: str, insight_id: str) -> SavedInsight:
        """The insight. Raises NotFound."""
        row = self._meta.row(f"{_SELECT} and id = ?2", project_id, insight_id)
        if row is None:
            raise NotFound(_absent(insight_id))
        return to_insight(row)

    def page(self, project_id: str, *, limit: int, cursor: Cursor | None) -> list[SavedInsight]:
        """The newest after the cursor, at most `limit`. Order: (created_ms, id), descending."""
        before_ms, before_id = (cursor.ts, cursor.id) if cursor else (None, None)
        rows = self._meta.rows(
            f"{_SELECT} and (?2 is null or (created_ms, id) < (?2, ?3)) order by created_ms desc, id desc limit ?4",
            project_id,
            before_ms,
            before_id,
            limit,
        )
        return [to_insight(row) for row in rows]

    def update(
        self,
        project_id: str,
        insight_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        query: bytes | None = None,
        action_ids: Collection[str] = (),
        chart: ChartKind | None = None,
        now_ms: int,
    ) -> SavedInsight:
        """Change what is given, as one new version; `action_ids` go with `query`. Its kind stays what it is.

        Raises NotFound, and ValidationFailed for smart events that are not there.
        """
        with self._meta.transaction() as writer:
            changed = writer.execute(
                """
                update saved_insights
                set
                  name = coalesce(?3, name), description = coalesce(?4, description), query = coalesce(?5, query),
                  chart = coalesce(?7, chart), version = version + 1, updated_ms = max(?6, created_ms)
                where project_id = ?1 and id = ?2
                returning name
                """,
                (
                    project_id,
                    insight_id,
                    name,
                    description,
                    None if query is None else query.decode(),
                    now_ms,
                    chart and chart.value,
                ),
            ).fetchall()
            if not changed:
                raise NotFound(_absent(insight_id))
            use = Use(KIND, insight_id, str(changed[0][0]))
            if query is not None:
                set_uses(writer, project_id, use, action_ids)
            else:
                rename_user(writer, use)
        return self.get(project_id, insight_id)

    def delete(self, project_id: str, insight_id: str) -> None:
        """Remove it for good; the smart events that it used are free. Raises NotFound, Conflict while it stands on a dashboard."""
        with self._meta.transaction() as writer:
            known = "select 1 from saved_insights where project_id = ? and id = ?"
            if not writer.execute(known, (project_id, insight_id)).fetchall():
                raise NotFound(_absent(insight_id))
            if shown := _dashboards_of(writer, insight_id):
                raise Conflict(f"saved insight {show(insight_id)} is on {shown}; take it off first")
            writer.execute("delete from saved_insights where id = ?", (insight_id,))
            drop_uses(writer, KIND, insight_id)


def _dashboards_of(writer: apsw.Connection, insight_id: str) -> str:
    """The dashboards that it stands on, the first few by name; "" where there are none."""
    found = writer.execute(
        """
        select name, id from dashboards
        where id in (select dashboard_id from dashboard_tiles where insight_id = ?)
        order by name, id
        """,
        (insight_id,),
    ).fetchall()
    named = ", ".join(f"the dashboard {show(name)} ({dashboard_id})" for name, dashboard_id in found[:SHOWN_USES])
    return named + (f" and {len(found) - SHOWN_USES} more" if len(found) > SHOWN_USES else "")


def to_insight(row: Row) -> SavedInsight:
    """The row of `columns(SavedInsight)`."""
    made = to_struct(SavedInsight, row, query=msgspec.Raw(str(row[4]).encode()))
    if made.chart is None and made.kind is InsightKind.TRENDS:
        return msgspec.structs.replace(made, chart=ChartKind.LINE)
    return made


def _absent(insight_id: str) -> str:
    return f"no saved insight {show(insight_id)} (insight_id)"
