"""Makes the catalog's entry for a file that was just written."""

from sv.model.part import NewPart
from sv.store.ports import FileFacts


def new_part(project_id: str, path: str, day: str | None, facts: FileFacts, created_ms: int, level: int = 0) -> NewPart:
    """A part that was written at `created_ms`. level: merges behind it."""
    return NewPart(
        project_id=project_id,
        path=path,
        day=day,
        rows=facts.rows,
        bytes=facts.bytes,
        min_ts_ms=facts.min_ts_ms,
        max_ts_ms=facts.max_ts_ms,
        min_received_ms=facts.min_received_ms,
        max_received_ms=facts.max_received_ms,
        level=level,
        created_ms=created_ms,
    )
