"""Login sessions of every kind, made in the folder of the server under test."""

from sv.auth.tokens import make_session_secret
from sv.meta.db import Meta
from sv.meta.login_sessions import LoginSessions
from sv.meta.users import User, Users
from sv.model.access import Role

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ROLES = {"viewer": Role.VIEWER, "editor": Role.EDITOR, "admin": Role.ADMIN}
ENDED = ("old", "idle", "gone")


class Cookies:
    """Secrets by what is to be said of them. A session that may end by being used has to be asked for anew."""

    def __init__(self, meta: Meta, now_ms: int) -> None:
        self._now_ms = now_ms
        self._users = Users(meta)
        # A session that is made clears away those that have ended, so the idle ones must seem alive to it.
        self._sessions = LoginSessions(meta, idle_ms=1000 * DAY_MS)
        self._made: dict[str, User] = {}
        self._kept: dict[str, str] = {}
        for name, role in ROLES.items():
            self._users.set_role(self._user(name).id, "dev", role, now_ms)
        self._users.set_role(self._user("elsewhere").id, "other", Role.ADMIN, now_ms)
        for name in ("nobody", "deleted", *ENDED):
            self._user(name)

    def secret(self, name: str, *, is_read: bool) -> str:
        """What the cookie holds: of a login session, but for one that is made up. is_read: it is only to read, which leaves it as it is, so one
        that was made before will do."""
        if not is_read:
            self._kept.pop(name, None)  # for all sessions of a user may end at once
        if not is_read or name not in ROLES:
            return self._new(name)
        if name not in self._kept:
            self._kept[name] = self._new(name)
        return self._kept[name]

    def _new(self, name: str) -> str:
        secret, secret_hash = make_session_secret()
        if name == "made up":
            return secret
        user = self._user(name)
        if name == "root":  # other tests may have taken it away
            self._users.set_instance_admin(user.id, True)
        made_ms = self._now_ms - (8 * DAY_MS if name == "idle" else 2 * HOUR_MS)
        lasts_ms = HOUR_MS if name == "old" else 30 * DAY_MS
        session = self._sessions.create(
            user.id, secret_hash=secret_hash, now_ms=made_ms, lasts_ms=lasts_ms, address="127.0.0.1", user_agent="a test"
        )
        if name == "gone":
            self._sessions.end(session.id, user.id)
        if name == "deleted":
            self._users.delete(user.id)
            del self._made[name]
        return secret

    def _user(self, name: str) -> User:
        if name not in self._made:
            self._made[name] = self._users.create(
                f"{name}@table.example", password_hash="none", now_ms=self._now_ms, is_instance_admin=name == "root"
            )
        return self._made[name]
