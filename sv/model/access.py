"""Who may do what, as words: scopes of a credential, roles of a person in a project.

Pure vocabulary, shared by the rooms that keep credentials and the room that judges them.
"""

from enum import StrEnum


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
