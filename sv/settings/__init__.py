"""Every setting of the server, defined once.

Answers for names, units, defaults, bounds and reasons (`Settings`), for reading them from flags,
environment variables and an optional TOML file, in this order (`load`), and for showing them (`describe`,
`table`). A setting `flush_seconds` is the flag `--flush-seconds`, the variable `SV_FLUSH_SECONDS` and the
line `flush_seconds = 10` of the file that `--config` or `SV_CONFIG` names. Assumes nothing of who asks:
environment and flags are arguments. Never holds what a project may set for itself, and never shows a
secret.
"""

from sv.settings.definition import Settings
from sv.settings.loading import BadSettings, Loaded, add_flags, load, load_with_sources, mistyped_variables, unknown_variables
from sv.settings.table import Row, describe, in_force, table
from sv.settings.values import Secret

__all__ = [
    "BadSettings",
    "Loaded",
    "Row",
    "Secret",
    "Settings",
    "add_flags",
    "describe",
    "in_force",
    "load",
    "load_with_sources",
    "mistyped_variables",
    "table",
    "unknown_variables",
]
