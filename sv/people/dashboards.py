"""Changes to dashboards, each with its entry in the audit trail."""

from typing import Any

from sv.meta.dashboards import Dashboard, Dashboards
from sv.model.access import Actor
from sv.model.dashboards import DashboardBody
from sv.people.people import People


def create_dashboard(people: People, dashboards: Dashboards, actor: Actor, project_id: str, new: DashboardBody) -> Dashboard:
    """Raises Conflict where the project has as many as it may, ValidationFailed for saved insights that are not there."""
    assert new.name is not None
    with people.meta.together():
        made = dashboards.create(
            project_id, name=new.name, description=new.description or "", tiles=new.tiles or (), now_ms=people.now_ms()
        )
        people.note(actor, "dashboard.create", _target(made), project_id=project_id, after=_told(made))
    return made


def update_dashboard(
    people: People, dashboards: Dashboards, actor: Actor, project_id: str, dashboard_id: str, change: DashboardBody
) -> Dashboard:
    """Raises NotFound, ValidationFailed for saved insights that are not there."""
    with people.meta.together():
        before = dashboards.get(project_id, dashboard_id)
        if change == DashboardBody(None, None, None):
            return before
        made = dashboards.update(
            project_id,
            dashboard_id,
            name=change.name,
            description=change.description,
            tiles=change.tiles,
            now_ms=people.now_ms(),
        )
        people.note_change(
            actor, "dashboard.update", _target(made), project_id=project_id, before=_told(before), after=_told(made)
        )
    return made


def delete_dashboard(people: People, dashboards: Dashboards, actor: Actor, project_id: str, dashboard_id: str) -> None:
    """Raises NotFound."""
    with people.meta.together():
        before = dashboards.get(project_id, dashboard_id)
        dashboards.delete(project_id, dashboard_id)
        people.note(actor, "dashboard.delete", _target(before), project_id=project_id, before=_told(before))


def _target(dashboard: Dashboard) -> tuple[str, str]:
    return dashboard.listed.id, dashboard.listed.name


def _told(dashboard: Dashboard) -> dict[str, Any]:
    """What the trail keeps of it. Where tiles stand is left out: who arranges them moves many, and nothing is lost by it."""
    tiles = [{"insight_id": tile.insight.id, "title": tile.title} for tile in dashboard.tiles]
    return {"name": dashboard.listed.name, "description": dashboard.listed.description, "tiles": tiles}
