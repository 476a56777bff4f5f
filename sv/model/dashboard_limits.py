"""The bounds of dashboards, each with its reason. Answers for the same as `sv.model.limits` does."""

from typing import Final

MAX_DASHBOARDS: Final = 200
"""In one project: more than a menu can show."""

MAX_DASHBOARD_TILES: Final = 50
"""Of one dashboard. Each is a query whenever somebody looks, and they are run two at a time."""

DASHBOARD_COLUMNS: Final = 12
"""Of the grid that tiles stand on: it can be halved, and cut into thirds and quarters."""

DASHBOARD_ROWS_MAX: Final = 1000
"""The lowest row at which a tile begins: fifty of the highest ones below each other."""

TILE_ROWS_MAX: Final = 20
"""The height of a tile: a screen or two."""
