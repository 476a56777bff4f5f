"""Bounds of the commands that ask a server, each with its reason. As `sv.model.limits`, for the command line alone."""

from typing import Final

MAX_PLAN_BYTES: Final = 4 << 20
"""Of a plan of events. A plan of a thousand events with twenty properties each has a tenth of that."""

MAX_PLANNED_EVENTS: Final = 10_000
"""Names of events in a plan. Beyond that names are data: they belong into properties."""

MAX_PLANNED_PROPERTIES: Final = 1_000
"""Of one event in a plan, likewise."""

MAX_DEPARTURES: Final = 1_000
"""Told of in one run. Who has that many has one cause, or the wrong plan."""

MAX_TOLD_CHARS: Final = 100
"""Of a name or value that somebody sent, where a line of a terminal tells of it."""

TAIL_EVENTS: Final = 500
"""The newest that `sv tail` asks for, again and again: what may arrive between two looks. A page of a thousand is the largest there is."""
