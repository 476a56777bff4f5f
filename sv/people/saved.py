"""Changes to smart events and saved insights, each with its entry in the audit trail.

The entry doesn't repeat rules or queries, only that there is a new version of them: filters may hold personal data, and an erasure doesn't
look into the trail for it.
"""

from collections.abc import Collection
from typing import Any

from sv.meta.saved_insights import SavedInsight, SavedInsights
from sv.meta.smart_events import SmartEvents
from sv.model.access import Actor
from sv.model.saved_parsing import InsightBody, SmartEventBody
from sv.model.smart_events import SmartEvent
from sv.people.people import People


def create_smart_event(people: People, kept: SmartEvents, actor: Actor, project_id: str, new: SmartEventBody) -> SmartEvent:
    """Raises Conflict for a name that is taken, and where the project has as many as it may."""
    assert new.name is not None
    assert new.rules is not None
    with people.meta.together():
        made = kept.create(project_id, name=new.name, description=new.description or "", rules=new.rules, now_ms=people.now_ms())
        people.note(actor, "smart_event.create", (made.id, made.name), project_id=project_id, after=_told(made))
    return made


def update_smart_event(
    people: People, kept: SmartEvents, actor: Actor, project_id: str, smart_event_id: str, change: SmartEventBody
) -> SmartEvent:
    """Raises NotFound, and Conflict for a name that is taken."""
    with people.meta.together():
        before = kept.get(project_id, smart_event_id)
        if change == SmartEventBody(None, None, None):
            return before
        made = kept.update(
            project_id,
            smart_event_id,
            name=change.name,
            description=change.description,
            rules=change.rules,
            is_archived=change.is_archived,
            now_ms=people.now_ms(),
        )
        target = (made.id, made.name)
        people.note_change(actor, "smart_event.update", target, project_id=project_id, before=_told(before), after=_told(made))
    return made


def delete_smart_event(people: People, kept: SmartEvents, actor: Actor, project_id: str, smart_event_id: str) -> None:
    """Raises NotFound, and Conflict naming who uses it."""
    with people.meta.together():
        before = kept.get(project_id, smart_event_id)
        kept.delete(project_id, smart_event_id)
        people.note(actor, "smart_event.delete", (before.id, before.name), project_id=project_id, before=_told(before))


def create_insight(
    people: People, kept: SavedInsights, actor: Actor, project_id: str, new: InsightBody, action_ids: Collection[str]
) -> SavedInsight:
    """action_ids: the smart events that its query names.

    Raises Conflict where the project has as many as it may, ValidationFailed for smart events that are not there.
    """
    assert new.name is not None
    assert new.query is not None
    with people.meta.together():
        made = kept.create(
            project_id,
            name=new.name,
            description=new.description or "",
            kind=new.kind,
            query=new.query,
            action_ids=action_ids,
            chart=new.chart,
            now_ms=people.now_ms(),
        )
        people.note(actor, "insight.create", (made.id, made.name), project_id=project_id, after=_told(made))
    return made


def update_insight(
    people: People,
    kept: SavedInsights,
    actor: Actor,
    project_id: str,
    insight_id: str,
    change: InsightBody,
    action_ids: Collection[str],
) -> SavedInsight:
    """Raises NotFound, ValidationFailed for smart events that are not there."""
    with people.meta.together():
        before = kept.get(project_id, insight_id)
        if change == InsightBody(None, None, change.kind, None, None):
            return before
        made = kept.update(
            project_id,
            insight_id,
            name=change.name,
            description=change.description,
            query=change.query,
            action_ids=action_ids,
            chart=change.chart,
            now_ms=people.now_ms(),
        )
        target = (made.id, made.name)
        people.note_change(actor, "insight.update", target, project_id=project_id, before=_told(before), after=_told(made))
    return made


def delete_insight(people: People, kept: SavedInsights, actor: Actor, project_id: str, insight_id: str) -> None:
    """Raises NotFound, Conflict while it stands on a dashboard."""
    with people.meta.together():
        before = kept.get(project_id, insight_id)
        kept.delete(project_id, insight_id)
        people.note(actor, "insight.delete", (before.id, before.name), project_id=project_id, before=_told(before))


def _told(made: SmartEvent | SavedInsight) -> dict[str, Any]:
    told = {"name": made.name, "description": made.description, "version": made.version}
    return told | ({"archived": made.is_archived} if isinstance(made, SmartEvent) else {"kind": made.kind.value})
