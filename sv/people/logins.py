"""From a password to a login session, and from a cookie or an API token to a principal.

A wrong password costs the same whether or not the account exists, and only hashes are ever looked up. Calls block.
"""

import logging
from typing import Final, NamedTuple

from sv.auth.passwords import hash_password, needs_rehash, verify_password
from sv.auth.permissions import Principal
from sv.auth.tokens import hash_api_token, hash_session_secret, make_session_secret, unknown_api_token
from sv.meta.instance import note_in_use
from sv.meta.login_sessions import LoginSession
from sv.meta.users import User
from sv.model.access import Actor, Scope
from sv.model.errors import NotAuthenticated, Unavailable, ValidationFailed
from sv.model.limits import MAX_SHOWN_AGENT_CHARS
from sv.model.validate import repair
from sv.people.people import People
from sv.people.users import set_password

log = logging.getLogger(__name__)

WRONG_LOGIN: Final = "wrong e-mail or password"
_ALL: Final = frozenset(Scope)


class Login(NamedTuple):
    """secret: for the cookie, and kept nowhere."""

    user: User
    session: LoginSession
    secret: str


def log_in(people: People, email: str, password: str, *, address: str, user_agent: str) -> Login:
    """A new login session. The caller has taken a try from the throttle, which is given back here. Raises NotAuthenticated."""
    known = people.users.find_login(email)
    kept = None if known is None else known[1]
    if not verify_password(kept, password) or known is None or kept is None:
        people.refusals.count("password")
        raise NotAuthenticated(WRONG_LOGIN)
    user = known[0]
    people.throttle.give_back(address, email)
    better = hash_password(password) if needs_rehash(kept) else None
    secret, secret_hash = make_session_secret()
    with people.meta.together():
        if people.users.find_login(email) != known:  # changed or deleted while we looked: the login sessions were ended then
            raise NotAuthenticated(WRONG_LOGIN)
        if better is not None:
            people.users.set_password_hash(user.id, better)
        note_in_use(people.meta)
        session = people.login_sessions.create(
            user.id,
            secret_hash=secret_hash,
            now_ms=people.now_ms(),
            lasts_ms=people.login_session_ms,
            address=address[:64],
            user_agent=repair(user_agent[:MAX_SHOWN_AGENT_CHARS]),
        )
    return Login(user, session, secret)


def change_own_password(people: People, principal: Principal, current: str, new: str, address: str) -> None:
    """A new password, which is one that may be chosen, for the user of a login session, whose other login sessions end.

    The caller has taken a try from the throttle, which is given back here. Raises ValidationFailed for a wrong current password, also for
    one that somebody else replaced meanwhile.
    """
    assert principal.user_id is not None
    known = people.users.find_login(principal.name)
    if known is None or not verify_password(known[1], current):
        people.refusals.count("password")
        raise ValidationFailed.at("current_password", "it is another one")
    people.throttle.give_back(address, principal.name)
    actor = Actor("user", principal.user_id, principal.name)
    new_hash = hash_password(new)
    with people.meta.together():
        # SCAR: asked again. An administrator's new password, set while this one was hashed, was lost to who knew the old one.
        if people.users.find_login(principal.name) != known:
            raise ValidationFailed.at("current_password", "it is another one")
        set_password(people, actor, known[0], new_hash, but_session=principal.session_id)


def principal_of_token(people: People, secret: str) -> Principal:
    """Who an API token is. Raises NotAuthenticated for one that is unknown, expired or revoked."""
    now = people.now_ms()
    token = people.api_tokens.find_live(hash_api_token(secret), now)
    if token is None:
        people.refusals.count("api_token")
        raise unknown_api_token(secret)
    if people.api_tokens.touch(token.id, now):
        try:
            people.api_tokens.write_touches()
        except Unavailable as error:  # reading goes on where the disk refuses writes
            log.warning("can't note the use of API tokens yet: %s", error.message)
    return Principal(
        kind="api_token",
        scopes=token.scopes,
        project_id=token.project_id,
        token_id=token.id,
        name=token.name,
        until_ms=token.expires_ms,
    )


def principal_of_cookie(people: People, secret: str) -> Principal:
    """Who is logged in with a cookie. Raises NotAuthenticated for a session that is unknown or has ended."""
    now = people.now_ms()
    session = people.login_sessions.find_live(hash_session_secret(secret), now)
    user = None if session is None else people.users.find(session.user_id)
    if session is None or user is None:
        raise NotAuthenticated("unknown or ended login session (Cookie)")
    try:
        people.login_sessions.touch(session, now)
    except Unavailable as error:
        log.warning("can't note the use of login sessions yet: %s", error.message)
    return Principal(
        kind="user",
        scopes=_ALL if user.is_instance_admin else frozenset(),
        project_id=None,
        user_id=user.id,
        session_id=session.id,
        name=user.email,
        roles={held.project_id: held.role for held in people.users.roles_of(user.id)},
    )
