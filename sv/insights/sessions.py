"""Lists of sessions, the latest start first, and one session by its id: out of the rollups."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from sv.insights.folded import behind, is_caught_up
from sv.meta.rollups.session_lists import SessionLists
from sv.model.calendar import DateRange, iso_ms
from sv.model.cursor import encode_cursor
from sv.model.errors import NotFound
from sv.model.queries import EventsQuery
from sv.model.session_parsing import SessionsQuery, place_cursor
from sv.model.sessions import Session
from sv.model.validate import show


class SessionPages:
    """Thread-safe; blocks. Up to date with everything that was accepted before the call. Raises Unavailable.

    Where the disk refuses what has to be folded first, what people look at (`page`, `one`) is as of the last fold, and says so
    (`is_behind`); what other code builds on (`find`) raises. catch_up: folds every accepted event. is_merged: see `sv.model.identity`.
    recorded: of a project's sessions, those that have a recording, by their ids.
    """

    def __init__(
        self, lists: SessionLists, catch_up: Callable[[], None], recorded: Callable[[str, Iterable[str]], set[str]]
    ) -> None:
        self._lists = lists
        self._catch_up = catch_up
        self._recorded = recorded

    def page(self, project_id: str, query: SessionsQuery, *, is_merged: bool) -> dict[str, Any]:
        """A page in the contract's shape: `data` and `meta`."""
        is_whole = is_caught_up(self._catch_up)
        # One more than asked for tells whether there is a next page.
        found = self._lists.page(project_id, query.wanted, query.after, query.limit + 1, is_merged=is_merged)
        page = found[: query.limit]
        has_more = len(found) > query.limit
        recorded = self._recorded(project_id, [each.session.id for each in page])
        next_cursor = encode_cursor(place_cursor(page[-1].place)) if has_more else None
        return {
            "data": [session_json(each.session, each.session.id in recorded) for each in page],
            "meta": {"next_cursor": next_cursor, "has_more": has_more} | behind(is_whole),
        }

    def one(self, project_id: str, session_id: str, *, is_merged: bool) -> dict[str, Any]:
        """One session as the contract shows it. Raises NotFound; DiskRefuses where there may be one."""
        is_whole = is_caught_up(self._catch_up)
        session = self._lists.one(project_id, session_id, is_merged=is_merged)
        if session is None:
            session = self.find(project_id, session_id, is_merged=is_merged)
        return session_json(session, bool(self._recorded(project_id, [session.id]))) | behind(is_whole)

    def find(self, project_id: str, session_id: str, *, is_merged: bool) -> Session:
        """One session. Raises NotFound."""
        self._catch_up()
        session = self._lists.one(project_id, session_id, is_merged=is_merged)
        if session is None:
            raise NotFound(f"no session {show(session_id)} (session_id)")
        return session


def events_in(session: Session, query: EventsQuery) -> EventsQuery:
    """The query for this session's events alone, limited to the time in which it has events."""
    dates = DateRange(max(query.dates.from_ms, session.started_ms), min(query.dates.to_ms, session.ended_ms + 1))
    return replace(query, session_id=session.id, dates=dates)


def session_json(session: Session, has_recording: bool) -> dict[str, Any]:
    """A session as the contract shows one."""
    return {
        "id": session.id,
        "distinct_id": session.distinct_id,
        "started_at": iso_ms(session.started_ms),
        "ended_at": iso_ms(session.ended_ms),
        "duration": (session.ended_ms - session.started_ms) / 1000,
        "event_count": session.event_count,
        "pageview_count": session.pageview_count,
        "is_bounce": session.is_bounce,
        "entry_url": session.entry_url,
        "exit_url": session.exit_url,
        "referrer": session.referrer,
        "country": session.country,
        "device_type": session.device_type,
        "browser": session.browser,
        "os": session.os,
        "has_recording": has_recording,
    }
