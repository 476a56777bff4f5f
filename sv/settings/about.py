"""What a setting is beside its name and type, and the words that some settings take.

Answers for no setting itself: those are in `sv.settings.definition`.
"""

from enum import StrEnum
from typing import Any

from sv.settings.values import Kind


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
