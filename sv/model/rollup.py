"""What rollups are fed with: a summary of some events, by kind and project.

A summary says of a set of events what a list shows of them, and summaries of two sets that share no event can be merged, in any order,
into the summary of both. Its content is JSON text that the engine writes and the metadata reads, without Python looking into it.
"""

from msgspec import Struct


class Summary(Struct, frozen=True):
    """kind: which rollup it is for. content: a JSON array of items, none of which is in another summary of the same events and kind."""

    kind: str
    project_id: str
    content: str
