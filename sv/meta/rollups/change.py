"""One change of the rollups: to which build, and when."""

from msgspec import Struct


class Change(Struct, frozen=True):
    """number: counts the changes of the folder. is_live: whether the build is being read. now_ms: Unix milliseconds."""

    build: int
    number: int
    is_live: bool
    now_ms: int
