"""Who may do what, as words: scopes of a credential, roles of a person in a project.

Pure vocabulary, shared by the rooms that keep credentials, the room that judges them, and the audit trail.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Scope(StrEnum):
    """What a credential may do. Each contains the ones before it: who may write may read."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Role(StrEnum):
    """What a user is in one project. Viewers look, editors also define, admins also manage."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Actor(Struct, frozen=True):
    """Who changed something. id: of the user or the API token; None for the command line, whose `name` is the operating system's user."""

    kind: Literal["user", "api_token", "cli"]
    id: str | None
    name: str
