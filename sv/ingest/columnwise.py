"""Checks of a whole request's events at once, column by column, so that no Python runs for an event.

Answers for "nothing to do here" being told cheaply, which is so of nearly every request; `sv.ingest.decode` looks closely at all others,
event by event, and the two agree. Assumes events that its decoder made.
"""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from sv.model.limits import MAX_FUTURE_MS

GLANCE_FROM_EVENTS: Final = 16
"""With fewer, a look at each costs less than setting up these."""

_name = attrgetter("event")
_timestamp = attrgetter("timestamp")
_user_id = attrgetter("userId")
_anonymous_id = attrgetter("anonymousId")
_session_id = attrgetter("sessionId")
_event_id = attrgetter("eventId")
_properties = attrgetter("properties")


def are_canonical(events: Sequence[Any], now_ms: int) -> bool:
    """Whether each is dated in whole milliseconds of the allowed range, somebody's, trimmed, and without an event id to look at."""
    timestamps = list(map(_timestamp, events))
    if set(map(type, timestamps)) != {int} or min(timestamps) < 0 or max(timestamps) > now_ms + MAX_FUTURE_MS:
        return False
    users = list(map(_user_id, events))
    if None in users and (None, None) in zip(users, map(_anonymous_id, events), strict=True):
        return False
    if "" in map(_session_id, events) or set(map(_event_id, events)) != {None}:
        return False
    return all(name.strip() == name for name in set(map(_name, events)))


def is_flat(events: Sequence[Any]) -> bool:
    """Whether no property of any event is a container."""
    kinds = set(map(type, chain.from_iterable(map(dict.values, filter(None, map(_properties, events))))))
    return dict not in kinds and list not in kinds
