"""Finds and removes what is left of deleted projects.

Every row about a deleted project's events or recordings is found, whoever wrote it and when: by a batch that was on its way, an import that
was running, a rollup that was being folded. So nothing has to be remembered about what was emptied already.

The rows of `projects` and of their tokens stay, revoked, so that neither is given out again. So does the audit trail, for as long as it
keeps anything.
"""

from collections.abc import Callable
from typing import Final

from sv.meta.db import Meta
from sv.meta.deleted_marks import put_marks_right
from sv.meta.recordings import RecordingChunks
from sv.meta.reset import delete_all_events

_REMAINS: Final = """
    select p.id
    from projects p
    where p.deleted_ms is not null
      and (
        exists (select 1 from parts r where r.project_id = p.id and r.state = 'live')
        or exists (select 1 from rollup_builds r where r.project_id = p.id and r.state in ('live', 'building'))
        or exists (select 1 from event_names r where r.project_id = p.id)
        or exists (select 1 from property_names r where r.project_id = p.id)
        or exists (select 1 from smart_events r where r.project_id = p.id)
        or exists (select 1 from saved_insights r where r.project_id = p.id)
        or exists (select 1 from dashboards r where r.project_id = p.id)
        or exists (select 1 from jobs r where r.project_id = p.id and r.state in ('done', 'failed'))
        or exists (select 1 from recording_chunks r where r.project_id = p.id and r.state != 'doomed')
        or exists (
          select 1
          from person_projects o
          join person_numbers r on r.project = o.project
          where o.project_id = p.id
        )
      )
    order by p.id
"""


class DeletedProjects:
    """Thread-safe. purge_soon: called once lists were dropped, whose rows are to be deleted in the background."""

    def __init__(self, meta: Meta, now_ms: Callable[[], int], purge_soon: Callable[[], None] = lambda: None) -> None:
        self._meta = meta
        self._now_ms = now_ms
        self._purge_soon = purge_soon

    @classmethod
    def open(cls, meta: Meta, now_ms: Callable[[], int], purge_soon: Callable[[], None]) -> "DeletedProjects":
        """Opens them, and corrects the marks beside the catalog."""
        projects = cls(meta, now_ms, purge_soon)
        with meta.transaction():  # a command that deletes one at this moment waits
            live = meta.rows("select id from projects where deleted_ms is null")
            put_marks_right(meta.path.parent, projects.ids(), [str(project_id) for (project_id,) in live])
        return projects

    def ids(self) -> frozenset[str]:
        """Every deleted project."""
        return frozenset(
            str(project_id) for (project_id,) in self._meta.rows("select id from projects where deleted_ms is not null")
        )

    def with_remains(self) -> list[str]:
        """The deleted projects of which something is left. One or two index look-ups for each project that was ever deleted."""
        return [str(project_id) for (project_id,) in self._meta.rows(_REMAINS)]

    def forget(self, project_id: str) -> None:
        """Forget all events and recordings of one project, and what people saved in it. Raises Unavailable.

        Its event files are deleted by the catalog's next sweep, and those of recordings when recordings are next looked after.
        """
        RecordingChunks(self._meta).doom(project_id, self._now_ms())
        delete_all_events(self._meta, project_id, saved_too=True)
        with self._meta.transaction() as writer:  # one that still runs is forgotten when it has ended
            writer.execute("delete from jobs where project_id = ? and state in ('done', 'failed')", (project_id,))
        self._purge_soon()
