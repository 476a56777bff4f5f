"""The settings for people: rows for the documentation, and a table of what is in force.

Answers for texts alone. Never shows a secret.
"""

from msgspec import Struct

from sv.settings.about import show_value
from sv.settings.definition import definitions
from sv.settings.loading import Loaded


class Row(Struct, frozen=True):
    """One setting for the documentation. `accepts` is the kind of value in words, `unit` "" where it has none."""

    name: str
    flag: str
    variable: str
    default: str
    unit: str
    accepts: str
    why: str


def describe() -> list[Row]:
    """Every setting, in order."""
    return [Row(s.name, s.flag, s.variable, s.default, s.about.unit, s.about.kind.expected, s.about.why) for s in definitions()]


def in_force(loaded: Loaded) -> dict[str, dict[str, str | None]]:
    """Each setting's value as a flag would say it (null where there is none; sizes in bytes, for programs) and where it came from."""
    return {
        s.name: {"value": show_value(getattr(loaded.settings, s.name)) or None, "source": loaded.sources[s.name]}
        for s in definitions()
    }


def table(loaded: Loaded) -> str:
    """The settings in force: name, value, where it came from; aligned, a line each, without a newline at the end."""
    values = loaded.settings
    rows = [(s.name, show_value(getattr(values, s.name), s.about.kind) or "-", loaded.sources[s.name]) for s in definitions()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}" for name, value, source in rows)
