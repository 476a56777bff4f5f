"""The obvious way to what a list of sessions shows: by all events, in the order of time."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sv.engine.duck.relation import relation
from sv.engine.duck.sql import Params
from sv.meta.rollups.session_lists import SessionLists
from sv.model.filters import url_path
from sv.model.limits import MAX_TIMESTAMP_MS, MINUTE_MS
from sv.model.sessions import ListedSession, Session, SessionFilter
from tests.engine.rollup_rig import RollupRig, Row

GAP_MS = 30 * MINUTE_MS
COLUMNS = ("id", "event", "at_ms", "person", "distinct_id", "user_id", "session_id", "properties", "url", "country", "device_type",
           "browser", "os")  # fmt: skip
EVERYTHING = SessionFilter()


@dataclass
class Seen:
    """A session as the reference knows it."""

    id: str
    distinct_id: str = ""
    started_ms: int = 0
    ended_ms: int = 0
    event_count: int = 0
    pageview_count: int = 0
    is_bounce: bool = False
    entry_url: str | None = None
    exit_url: str | None = None
    referrer: str | None = None
    country: str | None = None
    device_type: str | None = None
    browser: str | None = None
    os: str | None = None
    persons: set[str] = field(default_factory=set[str])

    @property
    def entry_path(self) -> str | None:
        return None if self.entry_url is None else url_path(self.entry_url)


def events_of(rig: RollupRig, project: str) -> list[dict[str, Any]]:
    """Every event at rest, in the order of time and ids."""
    rig.store.catch_up()
    snapshot = rig.catalog.take(project, 0, MAX_TIMESTAMP_MS + 1)
    params = Params()
    try:
        with rig.database.cursor() as cursor:
            found = cursor.execute(
                f"""
                select id::varchar, event, epoch_ms(timestamp), person, distinct_id, user_id, session_id, properties,
                  current_url, country, device_type, browser, os
                from ({relation(snapshot, rig.folder, params)})
                order by timestamp, id
                """,
                params.values,
            ).fetchall()
    finally:
        rig.catalog.release(snapshot)
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def rows_of(project: str, events: Iterable[dict[str, Any]]) -> list[Row]:
    """The same events as the reference of persons wants them."""
    own = ("id", "event", "at_ms", "person", "distinct_id", "user_id")
    columns = ("country", "device_type", "browser")
    return [
        Row(
            project=project,
            properties=json.loads(event["properties"]),
            columns={name: event[name] for name in columns},
            **{name: event[name] for name in own},
        )
        for event in events
    ]


def expected_sessions(events: Iterable[dict[str, Any]]) -> dict[str, Seen]:
    """Every session by its id, worked out slowly."""
    by_key: dict[Any, list[dict[str, Any]]] = {}
    runs: dict[int, tuple[int, int]] = {}
    for event in events:
        if event["session_id"] is not None:
            key: Any = ("client", event["session_id"])
        else:
            person, at_ms = event["person"], event["at_ms"]
            started_ms, last_ms = runs.get(person, (at_ms, at_ms))
            if at_ms - last_ms > GAP_MS:
                started_ms = at_ms
            runs[person] = (started_ms, at_ms)
            key = ("derived", f"auto-{person}-{started_ms}")
        by_key.setdefault(key, []).append(event)
    return {name: _seen(name, own) for (_, name), own in by_key.items()}


def _seen(name: str, events: list[dict[str, Any]]) -> Seen:
    views = [event for event in events if event["event"] == "$pageview"]
    with_url = [event["url"] for event in views if event["url"] is not None] or [
        event["url"] for event in events if event["url"] is not None
    ]
    others = [event for event in events if event["event"] not in ("$pageview", "$pageleave", "$identify")]
    users = [event for event in events if event["user_id"] is not None]

    def first(values: Iterable[Any]) -> Any:
        return next((value for value in values if value is not None), None)

    referrers = (json.loads(event["properties"]).get("$referrer") for event in events)
    return Seen(
        id=name, distinct_id=(users or events)[-1]["distinct_id"], started_ms=events[0]["at_ms"], ended_ms=events[-1]["at_ms"],
        event_count=len(events), pageview_count=len(views), is_bounce=len(views) == 1 and not others,
        entry_url=first(with_url), exit_url=first(reversed(with_url)), referrer=first(r for r in referrers if isinstance(r, str)),
        **{name: first(event[name] for event in events) for name in ("country", "device_type", "browser", "os")},
        persons={event["distinct_id"] for event in events},
    )  # fmt: skip


def shown(session: Session) -> dict[str, Any]:
    """A session in the reference's form, without its persons."""
    return {name: getattr(session, name) for name in asdict(Seen("")) if name != "persons"}


def plain(seen: Seen) -> dict[str, Any]:
    """The reference's session without its persons."""
    return {name: value for name, value in asdict(seen).items() if name != "persons"}


def paged(lists: SessionLists, project: str, wanted: SessionFilter = EVERYTHING, size: int = 3) -> list[ListedSession]:
    """All that the filter wants, in pages."""
    found: list[ListedSession] = []
    while page := lists.page(project, wanted, found[-1].place if found else None, size):
        found += page
    return found
