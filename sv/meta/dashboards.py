"""Dashboards: saved insights side by side, by project.

Answers for what a tile shows being there: an insight that stands on a dashboard is not deleted (`SavedInsights.delete`). Assumes that
names, descriptions and tiles are read already (`sv.model.dashboards`). Nothing of one project is found through another.
"""

from collections.abc import Sequence
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.db import Meta, Row
from sv.meta.ids import random_id
from sv.meta.rows import columns, to_struct
from sv.meta.saved_insights import SavedInsight, to_insight
from sv.model.cursor import Cursor
from sv.model.dashboard_limits import MAX_DASHBOARDS
from sv.model.dashboards import Layout, TileBody
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.validate import show


class Tile(Struct, frozen=True):
    """title: None for the insight's own name."""

    insight: SavedInsight
    title: str | None
    layout: Layout


class Listed(Struct, frozen=True):
    """A dashboard as lists show it. version: from 1, one more with each change. Times are Unix milliseconds."""

    id: str
    name: str
    description: str
    version: int
    created_ms: int
    updated_ms: int
    tile_count: int


class Dashboard(Struct, frozen=True):
    """A dashboard with its tiles, in the order in which they were sent."""

    listed: Listed
    tiles: tuple[Tile, ...]


_COUNTED: Final = "(select count(*) from dashboard_tiles t where t.dashboard_id = d.id)"
_LISTED: Final = f"d.id, d.name, d.description, d.version, d.created_ms, d.updated_ms, {_COUNTED}"
_LISTED_COLUMNS: Final = len(Listed.__struct_fields__)


class Dashboards:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def create(self, project_id: str, *, name: str, description: str, tiles: Sequence[TileBody], now_ms: int) -> Dashboard:
        """A new one. Raises Conflict where the project has as many as it may, ValidationFailed for insights that are not there."""
        dashboard_id = random_id()
        with self._meta.transaction() as writer:
            counted = writer.execute("select count(*) from dashboards where project_id = ?", (project_id,)).fetchall()
            if int(str(counted[0][0])) >= MAX_DASHBOARDS:
                raise Conflict(f"expected at most {MAX_DASHBOARDS} dashboards in a project; delete some first")
            writer.execute(
                "insert into dashboards (id, project_id, name, description, created_ms, updated_ms) values (?, ?, ?, ?, ?5, ?5)",
                (dashboard_id, project_id, name, description, now_ms),
            )
            _set_tiles(writer, project_id, dashboard_id, tiles)
        return self.get(project_id, dashboard_id)

    def get(self, project_id: str, dashboard_id: str) -> Dashboard:
        """The dashboard as it was at one moment. Raises NotFound."""
        rows = self._meta.rows(
            f"""
            select {_LISTED}, t.title, t.x, t.y, t.w, t.h, {columns(SavedInsight, "i")}
            from dashboards d
            left join dashboard_tiles t on t.dashboard_id = d.id
            left join saved_insights i on i.id = t.insight_id
            where d.project_id = ? and d.id = ?
            order by t.place
            """,
            project_id,
            dashboard_id,
        )
        if not rows:
            raise NotFound(_absent(dashboard_id))
        listed = to_struct(Listed, rows[0][:_LISTED_COLUMNS])
        return Dashboard(listed, tuple(_to_tile(row[_LISTED_COLUMNS:]) for row in rows) if listed.tile_count else ())

    def page(self, project_id: str, *, limit: int, cursor: Cursor | None) -> list[Listed]:
        """The newest after the cursor, at most `limit`. Order: (created_ms, id), descending."""
        before_ms, before_id = (cursor.ts, cursor.id) if cursor else (None, None)
        rows = self._meta.rows(
            f"""
            select {_LISTED}
            from dashboards d
            where d.project_id = ?1 and (?2 is null or (d.created_ms, d.id) < (?2, ?3))
            order by d.created_ms desc, d.id desc
            limit ?4
            """,
            project_id,
            before_ms,
            before_id,
            limit,
        )
        return [to_struct(Listed, row) for row in rows]

    def update(
        self,
        project_id: str,
        dashboard_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tiles: Sequence[TileBody] | None = None,
        now_ms: int,
    ) -> Dashboard:
        """Change what is given, as one new version; tiles replace all that there were.

        Raises NotFound, and ValidationFailed for insights that are not there.
        """
        with self._meta.transaction() as writer:
            writer.execute(
                """
                update dashboards
                set
                  name = coalesce(?3, name), description = coalesce(?4, description), version = version + 1,
                  updated_ms = max(?5, created_ms)
                where project_id = ?1 and id = ?2
                """,
                (project_id, dashboard_id, name, description, now_ms),
            )
            if not writer.changes():
                raise NotFound(_absent(dashboard_id))
            if tiles is not None:
                _set_tiles(writer, project_id, dashboard_id, tiles)
        return self.get(project_id, dashboard_id)

    def delete(self, project_id: str, dashboard_id: str) -> None:
        """Remove it for good; its insights stay. Raises NotFound."""
        with self._meta.transaction() as writer:
            known = "select 1 from dashboards where project_id = ? and id = ?"
            if not writer.execute(known, (project_id, dashboard_id)).fetchall():
                raise NotFound(_absent(dashboard_id))
            writer.execute("delete from dashboard_tiles where dashboard_id = ?", (dashboard_id,))
            writer.execute("delete from dashboards where id = ?", (dashboard_id,))


def _set_tiles(writer: apsw.Connection, project_id: str, dashboard_id: str, tiles: Sequence[TileBody]) -> None:
    writer.execute("delete from dashboard_tiles where dashboard_id = ?", (dashboard_id,))
    for place, tile in enumerate(tiles):
        known = "select 1 from saved_insights where id = ? and project_id = ?"
        if not writer.execute(known, (tile.insight_id, project_id)).fetchall():
            message = f"expected a saved insight of this project, got {show(tile.insight_id)}"
            raise ValidationFailed.at(f"tiles[{place}].insight_id", message)
        at = tile.layout
        writer.execute(
            "insert into dashboard_tiles (dashboard_id, place, insight_id, title, x, y, w, h) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (dashboard_id, place, tile.insight_id, tile.title, at.x, at.y, at.w, at.h),
        )


def _to_tile(row: Row) -> Tile:
    title, x, y, w, h, *insight = row
    return Tile(to_insight(tuple(insight)), None if title is None else str(title), Layout(*(int(str(at)) for at in (x, y, w, h))))


def _absent(dashboard_id: str) -> str:
    return f"no dashboard {show(dashboard_id)} (dashboard_id)"
