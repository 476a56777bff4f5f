"""Sessions as lists show them, and what a list of them may be asked."""

from msgspec import Struct

from sv.model.calendar import ALL_TIME, DateRange


class Session(Struct, frozen=True):
    """tie: see `SessionPlace`. distinct_id: of the latest person identified in it, else of the latest. Times are Unix milliseconds.

    is_bounce: whether it is one pageview and no other event but `$pageleave` and `$identify`. entry_url, exit_url: of the first and the
    last pageview that has one, else of any event. referrer, country, device_type, browser, os: of the first event that has one.
    """

    id: str
    tie: int
    distinct_id: str
    started_ms: int
    ended_ms: int
    event_count: int
    pageview_count: int
    is_bounce: bool
    entry_url: str | None
    exit_url: str | None
    referrer: str | None
    country: str | None
    device_type: str | None
    browser: str | None
    os: str | None


class SessionPlace(Struct, frozen=True):
    """A place in the list of sessions, the latest start first, as it was after so many changes of the rollups.

    tie: tells sessions that start at one moment apart, and never changes of a session.
    """

    started_ms: int
    tie: int
    change: int


class ListedSession(Struct, frozen=True):
    """A session, and where it was in the list when its first page was read."""

    session: Session
    place: SessionPlace


class SessionFilter(Struct, frozen=True):
    """What must hold of a session; None asks for nothing. dates: of its start.

    min_duration_ms, max_duration_ms: inclusive. entry_path is compared in the place of entry_url where a URL begins with a slash.
    """

    dates: DateRange = ALL_TIME
    distinct_id: str | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    is_bounce: bool | None = None
    entry_url: str | None = None
    entry_path: str | None = None
    country: str | None = None
    device_type: str | None = None
    browser: str | None = None
