"""What a setting is beside its type: its names, how its value is shown, and the words that some settings take.

Answers for no setting itself: those are in `sv.settings.definition`.
"""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from sv.settings.values import Kind, Secret

VARIABLE_PREFIX: Final = "SV_"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class S3Addressing(StrEnum):
    AUTO = "auto"
    PATH = "path"
    HOST = "host"


class About:
    """What is known of a setting besides its name and type.

    unit: of the value, or "" where it has none. why: what it does and why the default is what it is.
    default: in words, where the default is worked out.
    """

    __slots__ = ("default", "kind", "unit", "why")

    def __init__(self, kind: Kind[Any], unit: str, why: str, default: str | None = None) -> None:
        self.kind = kind
        self.unit = unit
        self.why = why
        self.default = default


class Setting(Struct, frozen=True):
    """One field of `Settings` with its names. `default` is in words."""

    name: str
    about: About
    default: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return VARIABLE_PREFIX + self.name.upper()


def show_value(value: object, kind: Kind[Any] | None = None) -> str:
    """A setting's value as a person would write it; "" for none; never a secret's. kind: what may know a better way to write it."""
    if value is None:
        return ""
    if kind is not None and kind.write is not None:
        return kind.write(value)
    if isinstance(value, Secret):
        return "(set, not shown)"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
