"""Who an anonymous id came to be: the words of `identity: merged`.

The rule, which docs/identity.md tells at length: an anonymous id is one user's, that of the earliest event by (time, id) that carries both
ids, and all events that carry this anonymous id alone are that user's. An id that ever came as a user id is a person of its own right and
never anybody else's, so that no two user ids are ever joined.
"""

import msgspec
from msgspec import Struct

from sv.model.project_settings import Identity, read_project_settings


def is_merged(settings: bytes | msgspec.Raw) -> bool:
    """Whether a project's settings (a JSON object) ask for merged identity. What can't be read doesn't."""
    return read_project_settings(settings).identity is Identity.MERGED


class Owner(Struct, frozen=True, array_like=True):
    """The user an anonymous id belongs to: the user id's number, and the user id."""

    person: int
    distinct_id: str


class AliasPlace(Struct, frozen=True):
    """Up to where aliases were told: the build of rollups they were read from, and the last row's version and person."""

    build: int = 0
    version: int = -1
    person: int = 0


class AliasChanges(Struct, frozen=True):
    """Aliases that were made, moved or ended beyond some place, in the order of their versions.

    place: up to where they were told now; the same as before where nothing changed. Of another build than before: what was known is void,
    and these are the first rows of all that there is.
    rows: a JSON array of `count` times [person, user_person], which are equal where the person is a user id itself.
    """

    place: AliasPlace
    count: int
    rows: str
