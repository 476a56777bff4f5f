"""Dashboards: their operations, bodies and answers, and examples, as `operations` and its kin have those of the other topics."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from sv.model import dashboard_limits, limits
from sv.model.dashboards import TILE_HEIGHT, TILE_WIDTH
from sv.web.openapi.examples_smart_events import INSIGHT_ID as KEPT_ID
from sv.web.openapi.examples_smart_events import shown_insight
from sv.web.openapi.operation import JSON, PAGE_PARAMETERS, Answer, Example, Operation
from sv.web.openapi.schemas_answers import ListMeta, Time
from sv.web.openapi.schemas_smart_events import Description, SavedInsight, Title, Version

DASHBOARD_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "dashboard_id": {"description": "The dashboard's id.", "schema": {"type": "string"}},
}
DASHBOARD_TAGS: Final = {"Dashboards": "Saved insights side by side."}


class TileLayout(Struct, forbid_unknown_fields=True):
    """Where a tile stands on a grid, in cells. Whether tiles overlap is not looked at: the web app moves them apart."""

    x: Annotated[int, Meta(ge=0, le=dashboard_limits.DASHBOARD_COLUMNS - 1)]
    y: Annotated[int, Meta(ge=0, le=dashboard_limits.DASHBOARD_ROWS_MAX)]
    w: Annotated[
        int,
        Meta(
            ge=1, le=dashboard_limits.DASHBOARD_COLUMNS, description=f"`x + w` is at most {dashboard_limits.DASHBOARD_COLUMNS}."
        ),
    ]
    h: Annotated[int, Meta(ge=1, le=dashboard_limits.TILE_ROWS_MAX)]


class TileRequest(Struct, forbid_unknown_fields=True):
    insight_id: Annotated[
        str, Meta(min_length=1, max_length=limits.MAX_TITLE_CHARS, description="A saved insight of the project.")
    ]
    title: Annotated[Title | None, Meta(description="Instead of the insight's name.")] = None
    layout: Annotated[
        TileLayout | None,
        Meta(description=f"Absent: below the tiles before it, {TILE_WIDTH} wide and {TILE_HEIGHT} high."),
    ] = None


class DashboardRequest(Struct, forbid_unknown_fields=True):
    name: Title
    description: Description | None = ""
    tiles: Annotated[list[TileRequest], Meta(max_length=dashboard_limits.MAX_DASHBOARD_TILES)] | None = []


class DashboardChange(Struct, forbid_unknown_fields=True):
    """What to change; what is absent or null stays."""

    name: Title | None = None
    description: Description | None = None
    tiles: Annotated[
        Annotated[list[TileRequest], Meta(max_length=dashboard_limits.MAX_DASHBOARD_TILES)] | None,
        Meta(description="Instead of all tiles that there are."),
    ] = None


class DashboardTile(Struct):
    insight_id: str
    title: Annotated[str | None, Meta(description="null for the insight's name.")]
    layout: TileLayout
    insight: Annotated[SavedInsight, Meta(description="With its query: send it to `/insights/` and its `kind` for the figures.")]


class ListedDashboard(Struct):
    id: Annotated[str, Meta(examples=["d7w2k5hq8x3n"])]
    name: str
    description: str
    tile_count: Annotated[int, Meta(ge=0, le=dashboard_limits.MAX_DASHBOARD_TILES)]
    version: Version
    created_at: Time
    updated_at: Time


class Dashboard(Struct):
    id: Annotated[str, Meta(examples=["d7w2k5hq8x3n"])]
    name: str
    description: str
    tile_count: Annotated[int, Meta(ge=0, le=dashboard_limits.MAX_DASHBOARD_TILES)]
    version: Version
    created_at: Time
    updated_at: Time
    tiles: Annotated[list[DashboardTile], Meta(description="In the order in which they were sent.")]


class DashboardList(Struct):
    data: list[ListedDashboard]
    meta: ListMeta


_TAG: Final = "Dashboards"
_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_NO_PARAMETERS: Final = "limit: unknown parameter; this route takes none"
_ABSENT: Final = 'no dashboard "nothing" (dashboard_id)'
_NO_NAME: Final = "name: expected a string of 1 to 200 characters, got 7"
_BODY: Final = {400: _NOT_JSON, 404: "", 413: "", 415: "", 422: _NO_NAME, 503: ""}

DASHBOARD_OPERATIONS: Final[dict[str, Operation]] = {
    "list_dashboards": Operation(
        tag=_TAG,
        summary="List dashboards, newest first",
        description="Without their tiles.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of dashboards.", (DashboardList,))},
        errors={400: "", 404: "", 503: ""},
    ),
    "create_dashboard": Operation(
        tag=_TAG,
        summary="Make a dashboard",
        description="Tiles show saved insights, the same one as often as wanted. An insight that stands on a dashboard can't be deleted.",
        body={JSON: DashboardRequest},
        answers={201: Answer("The dashboard.", (Dashboard,))},
        errors=_BODY | {409: f"expected at most {dashboard_limits.MAX_DASHBOARDS} dashboards in a project; delete some first"},
    ),
    "get_dashboard": Operation(
        tag=_TAG,
        summary="Get one dashboard",
        description="With its tiles and their queries. What these answer is not kept: relative dates go on, and asking again refreshes.",
        answers={200: Answer("The dashboard.", (Dashboard,))},
        errors={400: _NO_PARAMETERS, 404: _ABSENT, 503: ""},
    ),
    "update_dashboard": Operation(
        tag=_TAG,
        summary="Change a dashboard",
        description="Changes the fields that the body names.",
        body={JSON: DashboardChange},
        answers={200: Answer("The dashboard as it is now.", (Dashboard,))},
        errors=_BODY | {404: _ABSENT},
    ),
    "delete_dashboard": Operation(
        tag=_TAG,
        summary="Delete a dashboard",
        description="For good. The insights that it showed stay.",
        answers={204: Answer("Gone.")},
        errors={400: _NO_PARAMETERS, 404: _ABSENT, 503: ""},
    ),
}

_PROJECT: Final[dict[str, str | int]] = {"project_id": "dev"}
_ONE: Final[dict[str, str | int]] = _PROJECT | {"dashboard_id": "d7w2k5hq8x3n"}
_TILE: Final[dict[str, Any]] = {"insight_id": KEPT_ID, "title": "By day", "layout": {"x": 0, "y": 0, "w": 12, "h": 4}}

KEPT_DASHBOARD: Final[dict[str, Any]] = {"name": "Monday morning", "description": "What we look at first.", "tiles": [_TILE]}
"""What a path's dashboard is: the server has to have it before."""

_LISTED: Final[dict[str, Any]] = {
    "id": "d7w2k5hq8x3n",
    "name": "Monday morning",
    "description": "What we look at first.",
    "tile_count": 1,
    "version": 1,
    "created_at": "2025-03-04T10:00:04.000Z",
    "updated_at": "2025-03-04T10:00:04.000Z",
}
_WHOLE: Final[dict[str, Any]] = _LISTED | {"tiles": [_TILE | {"insight": shown_insight()}]}

DASHBOARD_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "list_dashboards": (
        Example(
            name="all",
            summary="All of them",
            path=_PROJECT,
            answer={"data": [_LISTED], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    "create_dashboard": (
        Example(
            name="one_tile",
            summary="One insight in full width",
            path=_PROJECT,
            body=KEPT_DASHBOARD,
            status=201,
            answer=_WHOLE,
        ),
    ),
    "get_dashboard": (Example(name="monday", summary="One dashboard", path=_ONE, answer=_WHOLE),),
    "update_dashboard": (
        Example(
            name="rename",
            summary="Another name",
            path=_ONE,
            body={"name": "Mondays"},
            answer=_WHOLE | {"name": "Mondays", "version": 2},
        ),
    ),
}
