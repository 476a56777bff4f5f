"""The kinds of rollups."""

from collections.abc import Callable
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.rollups import aliases, definitions, persons, sessions
from sv.meta.rollups.change import Change


class Kind(Struct, frozen=True):
    """See the package. tables: for each table, the condition that picks some (?2) of a build's (?1) rows for deletion."""

    name: str
    version: int
    tables: dict[str, str]
    apply: Callable[[apsw.Connection, Change, str], None]


KINDS: Final[tuple[Kind, ...]] = tuple(
    Kind(module.NAME, module.VERSION, module.TABLES, module.apply) for module in (persons, definitions, aliases, sessions)
)
"""In the order in which they are applied: aliases look at what persons have become."""

VERSION: Final = " ".join(f"{kind.name}={kind.version}" for kind in KINDS)
"""Of the summaries that a build is made of. A build of another version is replaced."""
