"""Writes owners' notes on event and property names to the audit trail."""

from msgspec.structs import asdict

from sv.model.access import Actor
from sv.model.definitions import Noted, Notes
from sv.people.people import People


def in_trail(people: People, actor: Actor, action: str, project_id: str) -> Noted:
    """Writes an entry in the transaction that it is called in; none where nothing is said but what was said already."""

    def noted(name: str, before: Notes, after: Notes) -> None:
        people.note_change(actor, action, (name, name), project_id=project_id, before=asdict(before), after=asdict(after))

    return noted
