"""Records which saved insights use which smart event, so that none is deleted while it is in use.

Whatever keeps a smart event's id (a saved insight, for now) calls `set_uses` in the transaction in which it is itself written, and
`drop_uses` when it goes. Smart events ask `uses_of` before they delete. Assumes that `by_kind` is a word for people to read: it is in the
refusal's message.
"""

from collections.abc import Collection
from typing import Final

import apsw
from msgspec import Struct

from sv.model.errors import ValidationFailed
from sv.model.validate import show

SHOWN_USES: Final = 5
"""Users that a refusal names; the rest are counted."""


class Use(Struct, frozen=True):
    """Something that uses a smart event, by its present name."""

    by_kind: str
    by_id: str
    by_name: str


def set_uses(writer: apsw.Connection, project_id: str, use: Use, smart_event_ids: Collection[str], field: str = "query") -> None:
    """These smart events, and no others, are what the user uses from now on.

    Raises ValidationFailed at `field` for one that the project doesn't have: it may have been deleted a moment ago.
    """
    drop_uses(writer, use.by_kind, use.by_id)
    for smart_event_id in smart_event_ids:
        known = "select 1 from smart_events where id = ? and project_id = ?"
        if not writer.execute(known, (smart_event_id, project_id)).fetchall():
            raise ValidationFailed.at(field, f"expected smart events of this project, got {show(smart_event_id)}")
        writer.execute(
            "insert or ignore into smart_event_uses (smart_event_id, by_kind, by_id, by_name) values (?, ?, ?, ?)",
            (smart_event_id, use.by_kind, use.by_id, use.by_name),
        )


def rename_user(writer: apsw.Connection, use: Use) -> None:
    """The user is called otherwise from now on, and uses what it did before."""
    writer.execute(
        "update smart_event_uses set by_name = ? where by_kind = ? and by_id = ?", (use.by_name, use.by_kind, use.by_id)
    )


def drop_uses(writer: apsw.Connection, by_kind: str, by_id: str) -> None:
    """The user uses no smart event any more."""
    writer.execute("delete from smart_event_uses where by_kind = ? and by_id = ?", (by_kind, by_id))


def uses_of(writer: apsw.Connection, smart_event_id: str) -> tuple[list[Use], int]:
    """The first few users of a smart event by name, and how many there are."""
    sql = "select by_kind, by_id, by_name from smart_event_uses where smart_event_id = ? order by by_kind, by_name, by_id limit ?"
    found = writer.execute(sql, (smart_event_id, SHOWN_USES)).fetchall()
    counted = writer.execute("select count(*) from smart_event_uses where smart_event_id = ?", (smart_event_id,)).fetchall()
    return [Use(str(kind), str(by_id), str(name)) for kind, by_id, name in found], int(str(counted[0][0]))
