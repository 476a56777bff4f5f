"""`People`: the tables of projects, tokens, users, login sessions and the audit trail, with a clock."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sv.meta.api_tokens import ApiTokens
from sv.meta.audit import Audit
from sv.meta.db import Meta
from sv.meta.login_sessions import LoginSessions
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.meta.users import Users
from sv.model.access import Actor
from sv.model.limits import DAY_MS, HOUR_MS
from sv.people.throttle import Refusals, Throttle

AUDIT_DAYS: Final = 365
LOGIN_SESSION_HOURS: Final = 720.0
LOGIN_SESSION_IDLE_HOURS: Final = 168.0
"""Where no settings say so: for the command line, which makes no login session."""


class People:
    """Thread-safe. now_ms: Unix milliseconds; monotonic_s: for what only passes."""

    def __init__(
        self,
        meta: Meta,
        *,
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        audit_days: float = AUDIT_DAYS,
        login_session_hours: float = LOGIN_SESSION_HOURS,
        login_session_idle_hours: float = LOGIN_SESSION_IDLE_HOURS,
    ) -> None:
        self.meta = meta
        self.now_ms = now_ms
        self.project_tokens = ProjectTokens(meta)
        self.projects = Projects(meta, self.project_tokens)
        self.api_tokens = ApiTokens(meta)
        self.users = Users(meta)
        self.login_session_ms = int(login_session_hours * HOUR_MS)
        self.login_sessions = LoginSessions(meta, idle_ms=int(login_session_idle_hours * HOUR_MS))
        self.audit = Audit(meta, keep_ms=int(audit_days * DAY_MS))
        self.refusals = Refusals()
        self.throttle = Throttle(monotonic_s, self.refusals)
        self.kept_project: str | None = None
        """The id of a project that nobody may delete: that of `sv dev`, which can't be without it."""

    def note(
        self,
        actor: Actor,
        action: str,
        target: tuple[str, str],
        *,
        project_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """An entry in the audit trail, in the transaction of the change. target: its id and its name. No secrets in before and after."""
        target_id, target_name = target
        self.audit.add(
            actor,
            action,
            target_id=target_id,
            target_name=target_name,
            project_id=project_id,
            before=before,
            after=after,
            now_ms=self.now_ms(),
        )

    def note_change(
        self,
        actor: Actor,
        action: str,
        target: tuple[str, str],
        *,
        project_id: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        """As `note`, with what became other than it was; no entry where nothing did."""
        changed = [name for name in after if before.get(name) != after[name]]
        if changed:
            old, new = {name: before.get(name) for name in changed}, {name: after[name] for name in changed}
            self.note(actor, action, target, project_id=project_id, before=old, after=new)
