"""What a project's administrators may set, beyond its name and timezone.

Answers for the closed list of these settings, their defaults and their bounds, and for reading them from the JSON object in which they are
kept: `read_project_settings(project.settings)` is the way for every room. Assumes nothing. Never raises for what is kept: a field that a
later release wrote is passed over, and one that can't be right counts as not set.
"""

from enum import StrEnum
from typing import Final, cast

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from sv.model import limits
from sv.model.validate import Fields, Problems, show


class Identity(StrEnum):
    """To whom the events of an anonymous visitor belong once they log in: only those from then on, or the earlier ones too."""

    FORWARD = "forward"
    MERGED = "merged"


class ProjectSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Retention is in days, from an event's own time or a recording's start; None keeps for ever.

    The rest is for the project's pages, and is told to browsers by `GET /ingest/config`: whether clicks, forms and page views are captured
    automatically, which share of sessions is recorded (0 to 1), whether recordings hide what is typed or all text, and whether visitors
    whose browser asks not to be tracked are left alone.
    """

    identity: Identity = Identity.FORWARD
    event_retention_days: int | None = None
    recording_retention_days: int | None = None
    autocapture: bool = True
    respect_do_not_track: bool = True
    recording_sample_rate: float = 0.0
    mask_all_inputs: bool = True
    mask_all_text: bool = False


SETTINGS_FIELDS: Final = ProjectSettings.__struct_fields__
_DAYS: Final = ("event_retention_days", "recording_retention_days")
_FLAGS: Final = ("autocapture", "respect_do_not_track", "mask_all_inputs", "mask_all_text")


def read_project_settings(kept: bytes | msgspec.Raw) -> ProjectSettings:
    """The settings in a project's JSON object; what is not there has its default."""
    try:
        found = msgspec.json.decode(kept, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ProjectSettings()
    problems = Problems()
    return _read(
        Fields({name: found[name] for name in SETTINGS_FIELDS if name in found}, "", SETTINGS_FIELDS, problems), ProjectSettings()
    )


def change_project_settings(
    settings: ProjectSettings, change: object, problems: Problems, path: str = "settings"
) -> ProjectSettings:
    """The settings with what the JSON object `change` names; null takes a retention away. What is wrong is noted in `problems`."""
    return _read(Fields(change, path, SETTINGS_FIELDS, problems), settings, given=_names(change))


def encode_project_settings(settings: ProjectSettings) -> bytes:
    """The JSON object to keep."""
    return msgspec.json.encode(settings)


def _names(change: object) -> frozenset[str]:
    return frozenset(cast("dict[str, object]", change)) if isinstance(change, dict) else frozenset()


def _read(fields: Fields, settings: ProjectSettings, given: frozenset[str] = frozenset(SETTINGS_FIELDS)) -> ProjectSettings:
    changed = asdict(settings)
    if "identity" in given:
        changed["identity"] = fields.choice("identity", Identity, settings.identity)
    for name in _DAYS:
        if name in given:
            changed[name] = _days(fields, name)
    for name in _FLAGS:
        if name in given:
            changed[name] = fields.flag(name, changed[name])
    if "recording_sample_rate" in given:
        changed["recording_sample_rate"] = fields.number("recording_sample_rate", 0, 1, settings.recording_sample_rate)
    return replace(settings, **changed)


def _days(fields: Fields, name: str) -> int | None:
    return None if fields.get(name) is None else fields.whole(name, 1, limits.MAX_RETENTION_DAYS, 0) or None


def show_project_settings(settings: ProjectSettings) -> list[str]:
    """A line each, as `sv project settings` prints them."""
    return [f"{name} = {show(value)}" for name, value in asdict(settings).items()]
