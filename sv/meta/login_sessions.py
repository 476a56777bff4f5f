"""Login sessions: who is logged in from where, and until when. Only the SHA-256 of a cookie's secret ever comes here.

Answers for a session being good until it ends by age, by lying idle, by being revoked, or with its user; and for no user having more than
MAX_LOGIN_SESSIONS. Times are Unix milliseconds.
"""

from msgspec import Struct

from sv.meta.db import Meta, Row
from sv.meta.errors import WriterBusy
from sv.meta.ids import random_id
from sv.meta.paging import read_page
from sv.meta.rows import columns, to_struct
from sv.model.errors import NotFound
from sv.model.limits import MAX_LOGIN_SESSIONS
from sv.model.paging import PageQuery
from sv.model.validate import show


class LoginSession(Struct, frozen=True, kw_only=True):
    """expires_ms: its end, however busy it is. address, user_agent: of the login, for its owner to know it again."""

    id: str
    user_id: str
    created_ms: int
    last_used_ms: int
    expires_ms: int
    address: str
    user_agent: str


_SELECT = f"select {columns(LoginSession)} from login_sessions"
_ENDED = "expires_ms <= ? or last_used_ms <= ?"


class LoginSessions:
    """Thread-safe. idle_ms: how long a session stays good without being used."""

    def __init__(self, meta: Meta, *, idle_ms: int) -> None:
        self._meta = meta
        self._idle_ms = idle_ms

    def create(
        self, user_id: str, *, secret_hash: bytes, now_ms: int, lasts_ms: int, address: str, user_agent: str
    ) -> LoginSession:
        """A new session. Deletes sessions that have ended, everybody's, and the user's oldest ones beyond the bound."""
        session_id = random_id()
        with self._meta.together() as writer:
            writer.execute(f"delete from login_sessions where {_ENDED}", (now_ms, now_ms - self._idle_ms))
            writer.execute(
                """
                delete from login_sessions
                where id in (
                    select id
                    from login_sessions
                    where user_id = ?
                    order by last_used_ms desc, id
                    limit -1 offset ?
                )
                """,
                (user_id, MAX_LOGIN_SESSIONS - 1),
            )
            writer.execute(
                """
                insert into login_sessions (id, user_id, hash, created_ms, last_used_ms, expires_ms, address, user_agent)
                values (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (session_id, user_id, secret_hash, now_ms, now_ms, now_ms + lasts_ms, address, user_agent),
            )
            row = self._meta.row(f"{_SELECT} where id = ?", session_id)
        assert row is not None
        return _to_session(row)

    def find_live(self, secret_hash: bytes, now_ms: int) -> LoginSession | None:
        """The session with this SHA-256; None for one that is unknown or has ended."""
        row = self._meta.row(
            f"{_SELECT} where hash = ? and expires_ms > ? and last_used_ms > ?", secret_hash, now_ms, now_ms - self._idle_ms
        )
        return None if row is None else _to_session(row)

    def touch(self, session: LoginSession, now_ms: int) -> None:
        """Note that the session was used. Writes only once in a while, so that reading doesn't cause writes. Raises Unavailable.

        While somebody else writes, the note is left to the next request, unless the session has half of its idle time behind it. SCAR: all
        that a dashboard asks at once waited for a transaction of seconds, on the few threads that look who asks, and everybody with it.
        """
        idle_ms = now_ms - session.last_used_ms
        if idle_ms < min(60_000, self._idle_ms // 10):
            return
        waits = 2 * idle_ms >= self._idle_ms
        try:
            with self._meta.transaction(durable=False, waits=waits) as writer:
                used = "update login_sessions set last_used_ms = max(last_used_ms, ?) where id = ?"
                writer.execute(used, (now_ms, session.id))
        except WriterBusy:
            if waits:
                raise

    def page_of(self, user_id: str, now_ms: int, query: PageQuery) -> list[LoginSession]:
        """The user's good sessions, newest first, and one more than the page has."""
        conditions = [("user_id = ?", user_id), ("expires_ms > ?", now_ms), ("last_used_ms > ?", now_ms - self._idle_ms)]
        return [_to_session(row) for row in read_page(self._meta, _SELECT, conditions, query)]

    def forget_ended(self, now_ms: int) -> None:
        """Delete sessions that have ended, since a row holds an address and a browser's name. For the server, which knows the settings for
        when a session ends."""
        ended = (now_ms, now_ms - self._idle_ms)
        if self._meta.row(f"select 1 from login_sessions where {_ENDED} limit 1", *ended) is not None:
            with self._meta.transaction() as writer:
                writer.execute(f"delete from login_sessions where {_ENDED}", ended)

    def end(self, session_id: str, user_id: str) -> None:
        """End one of the user's sessions at once. Raises NotFound for one that isn't there, or is somebody else's."""
        with self._meta.transaction() as writer:
            writer.execute("delete from login_sessions where id = ? and user_id = ?", (session_id, user_id))
            if not writer.changes():
                raise NotFound(f"no login session {show(session_id)} (login_session_id)")

    def end_all(self, user_id: str, but: str | None = None) -> None:
        """End every session of the user, or every one but one."""
        with self._meta.transaction() as writer:
            writer.execute("delete from login_sessions where user_id = ?1 and (?2 is null or id <> ?2)", (user_id, but))


def _to_session(row: Row) -> LoginSession:
    return to_struct(LoginSession, row)
