"""What rollups are fed with: a summary of some events, by kind and project.

A summary says of a set of events what a list shows of them, and summaries of two sets that share no event can be merged, in any order,
into the summary of both. Its content is JSON text that the engine writes and the metadata reads, without Python looking into it but where
ids may lack a number.
"""

from typing import Final

import msgspec
from msgspec import Struct

ALIASES: Final = "aliases"
"""The kind of `sv.engine.duck.summaries.aliases`."""

_aliases: Final = msgspec.json.Decoder(list[int | tuple[str, int, str]])


class Summary(Struct, frozen=True):
    """kind: which rollup it is for. content: a JSON array of items, none of which is in another summary of the same events and kind."""

    kind: str
    project_id: str
    content: str


def anonymous_ids(summary: Summary) -> str:
    """Those of a summary of aliases, as a JSON array."""
    return msgspec.json.encode([item[0] for item in _aliases.decode(summary.content) if isinstance(item, tuple)]).decode()
