"""The bounds of watching the disk, each with its reason. Answers for the same as `sv.model.limits` does."""

from typing import Final

DISK_LOOK_S: Final = 60
"""Between two looks at the disk. At the fastest ingest that was measured a minute is 1.3 GB."""

WALK_SHARE: Final = 0.02
"""Of a thread's time, at most, for adding up the folder's files: a folder with a million chunks takes seconds."""

BUDGET_WARNING_SHARE: Final = 0.9
"""Of the budget: from here on it is told, while there is time to act."""

BUDGET_CALM_SHARE: Final = 0.85
"""Below this it is well again. Merges go up and down by a few hundredths; a line at each would be noise."""

FREE_CALM_FACTOR: Final = 1.1
"""Likewise, times the free space that is warned below."""

GIVE_BACK_BELOW_BYTES: Final = 64 * 1024 * 1024
"""With less free, SQLite's log is emptied at each look: it may keep as much for what comes next, and something else may have no room."""
