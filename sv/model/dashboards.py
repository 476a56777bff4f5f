"""What callers send about dashboards, strictly read.

Answers for the fields of the bodies with their bounds, and for where a tile stands whose place nobody named. Assumes decoded bodies. Never
asks whether a saved insight exists, nor whether tiles overlap: moving them apart is for whoever draws them.

Errors are ValidationFailed with every wrong field by its path.
"""

from typing import Final

from msgspec import Struct

from sv.model import dashboard_limits, limits
from sv.model.saved_parsing import read_description
from sv.model.validate import Fields, Problems

DASHBOARD_FIELDS: Final = ("name", "description", "tiles")
TILE_FIELDS: Final = ("insight_id", "title", "layout")
LAYOUT_FIELDS: Final = ("x", "y", "w", "h")

TILE_WIDTH: Final = 6
TILE_HEIGHT: Final = 4
"""Of a tile whose layout is absent: half of the grid, and about as high as it is wide."""


class Layout(Struct, frozen=True):
    """Where a tile stands, in cells of a grid: its left and upper edge from 0, its width and height."""

    x: int
    y: int
    w: int
    h: int


class TileBody(Struct, frozen=True):
    """title: None for the insight's own name."""

    insight_id: str
    title: str | None
    layout: Layout


class DashboardBody(Struct, frozen=True):
    """A new dashboard, or what to change of one: None for what stays."""

    name: str | None
    description: str | None
    tiles: tuple[TileBody, ...] | None


def parse_dashboard(body: object) -> DashboardBody:
    """A new dashboard: `name` is set."""
    problems = Problems()
    fields = _fields(body, problems)
    fields.require("name", f"a string of 1 to {limits.MAX_TITLE_CHARS} characters")
    made = _read(fields)
    problems.finish()
    return made


def parse_dashboard_change(body: object) -> DashboardBody:
    """What to change of one, nothing maybe. Tiles replace all that there were."""
    problems = Problems()
    fields = _fields(body, problems)
    made = _read(fields)
    problems.finish()
    return made


def _fields(body: object, problems: Problems) -> Fields:
    fields = Fields(body, "", DASHBOARD_FIELDS, problems)
    if not isinstance(body, dict):
        problems.finish()
    return fields


def _read(fields: Fields) -> DashboardBody:
    name = fields.text("name", limits.MAX_TITLE_CHARS, trim=True)
    return DashboardBody(name, read_description(fields), _read_tiles(fields))


def _read_tiles(fields: Fields) -> tuple[TileBody, ...] | None:
    if fields.get("tiles") is None:
        return None
    tiles: list[TileBody] = []
    free_y = 0
    for path, item in fields.items("tiles", 0, dashboard_limits.MAX_DASHBOARD_TILES):
        given = Fields(item, path, TILE_FIELDS, fields.problems)
        if not isinstance(item, dict):
            continue
        given.require("insight_id", "the id of a saved insight")
        insight_id = given.text("insight_id", limits.MAX_TITLE_CHARS)
        title = given.text("title", limits.MAX_TITLE_CHARS, trim=True)
        layout = _read_layout(given, free_y)
        free_y = max(free_y, layout.y + layout.h)
        tiles.append(TileBody(insight_id or "", title, layout))
    return tuple(tiles)


def _read_layout(tile: Fields, free_y: int) -> Layout:
    """free_y: below all tiles so far, where one without a layout goes."""
    if tile.get("layout") is None:
        return Layout(0, min(free_y, dashboard_limits.DASHBOARD_ROWS_MAX), TILE_WIDTH, TILE_HEIGHT)
    given = Fields(tile.get("layout"), tile.at("layout"), LAYOUT_FIELDS, tile.problems)
    columns, rows = dashboard_limits.DASHBOARD_COLUMNS, dashboard_limits.DASHBOARD_ROWS_MAX
    for name in LAYOUT_FIELDS:
        if isinstance(tile.get("layout"), dict):
            given.require(name, "a whole number")
    layout = Layout(
        given.whole("x", 0, columns - 1, 0),
        given.whole("y", 0, rows, 0),
        given.whole("w", 1, columns, 1),
        given.whole("h", 1, dashboard_limits.TILE_ROWS_MAX, 1),
    )
    if layout.x + layout.w > columns:
        tile.problems.add(given.at("w"), f"expected x + w of at most {columns} columns, got {layout.x + layout.w}")
    return layout
