"""Emptying a project, or all of them, of events: parts, persons, rollups and the memory of imports go together."""

from sv.meta.db import Meta
from sv.meta.parts import advance_covered_seq, drop_parts
from sv.meta.persons import delete_persons
from sv.meta.rollups.builds import advance_rolled_seq, drop_rollups
from sv.meta.rollups.definitions import delete_names
from sv.model.part import Part


def delete_all_events(
    meta: Meta, project_id: str | None = None, *, covered_seq: int | None = None, saved_too: bool = False
) -> list[Part]:
    """Forget every event of one project, or of all, in one transaction, synced on return.

    covered_seq: the log's last position, where everything in it is meant too; None leaves it, and what lies in the
    log but not yet in parts comes back at the next start. Returns the parts dropped; their files are the caller's to
    remove (`Parts.forget_dropped`). Projects, tokens and users stay; saved_too: what people saved (`sv.meta.saved`) does not.
    """
    with meta.transaction() as writer:
        dropped = drop_parts(writer, project_id)
        delete_persons(writer, project_id)
        drop_rollups(writer, project_id)
        writer.execute("delete from jobs where ?1 is null or project_id = ?1", (project_id,))
        delete_names(writer, project_id)
        writer.execute("delete from import_chunks where ?1 is null or project_id = ?1", (project_id,))
        if saved_too:
            mine = "select id from smart_events where ?1 is null or project_id = ?1"
            writer.execute(f"delete from smart_event_uses where smart_event_id in ({mine})", (project_id,))
            boards = "select id from dashboards where ?1 is null or project_id = ?1"
            writer.execute(f"delete from dashboard_tiles where dashboard_id in ({boards})", (project_id,))
            for table in ("dashboards", "saved_insights", "smart_events"):
                writer.execute(f"delete from {table} where ?1 is null or project_id = ?1", (project_id,))
        if covered_seq is not None:
            advance_covered_seq(writer, covered_seq)
            advance_rolled_seq(writer, covered_seq)
    return dropped
