"""Resolves what a series or a step names, an event or a smart event: which events that is, and how answers call it."""

from sv.engine.port import Matcher
from sv.model.queries import Series, Step


def matcher_of(item: Series | Step) -> Matcher:
    """The events that it means. A smart event that is named has to be in its place (`sv.model.smart_queries`)."""
    if item.action_id is None:
        return Matcher(item.event, item.filters)
    assert item.smart is not None
    return Matcher(None, item.filters, item.smart.rules)


def shown_name(item: Series | Step) -> dict[str, str | None]:
    """The fields of an answer that name it: `event`, which is the smart event's own name for one of these, and then `action_id` as well."""
    if item.smart is None:
        return {"event": item.event}
    return {"event": item.smart.name, "action_id": item.smart.id}
