"""The project, administrator and tokens that a first start makes, and those of `sv dev`, which never change."""

import logging
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from sv.auth.passwords import hash_password, make_password
from sv.auth.tokens import describe_api_token, make_api_token, make_project_token
from sv.meta.db import Meta
from sv.meta.errors import FolderFault
from sv.meta.instance import CREDENTIALS_SHOWN
from sv.meta.instance import Settings as InstanceSettings
from sv.meta.project_tokens import NEVER_MS
from sv.model.access import Scope
from sv.model.errors import Conflict, SvError
from sv.model.paging import PageQuery
from sv.server import Server, now_ms
from sv.settings import Settings

log = logging.getLogger(__name__)

ALL_SCOPES: Final = frozenset(Scope)
ADMIN_EMAIL: Final = "admin@localhost"
DEV_EMAIL: Final = "dev@localhost"
DEV_PASSWORD: Final = "dev"  # noqa: S105 - public by design: `sv dev` listens on loopback alone and keeps nothing of worth
DEV_PASSWORD_HASH: Final = (  # made beforehand, since to hash a password takes longer than all the rest of a start
    "$argon2id$v=19$m=19456,t=2,p=1$o2AWQPNAcoTM2CfaTObf9Q$kCFEpVGP/Al1m/mj3WtbIhseehGX2AdZgF2tYku2RGQ"  # noqa: S105
)
_KIND: Final = "made_by"
_TOKEN: Final = "first start"  # noqa: S105 - the name it is listed under


class Credentials(Struct, frozen=True):
    """What a person needs for the next step. Secrets are shown once and kept as hashes.

    api_token: None for one that whoever started the server gave it (`first_api_token`): they know it, and nobody else is to.
    """

    project_id: str
    project_token: str
    api_token: str | None
    email: str
    password: str


DEV_API_TOKEN: Final = "sv_dev"  # noqa: S105 - as public as the password
DEV: Final = Credentials("dev", "sv_pub_dev", DEV_API_TOKEN, DEV_EMAIL, DEV_PASSWORD)
"""The same for ever, so that a test's configuration can name them."""


def first_credentials(server: Server) -> Credentials | None:
    """Make a project, an administrator and tokens in a folder that has none, in one transaction; None where it has.

    The tokens are those that the settings give, or made up. Where the folder has credentials, what the settings give is nobody's.
    Those of a start that ended before it could show them (`note_shown`) are nobody's, unless somebody used them: they are made anew, and
    the old ones end.
    Raises FolderFault for a folder of `sv dev`, whose credentials everybody knows.
    """
    kind = InstanceSettings(server.meta)
    if kind.get(_KIND) == '"dev"':
        raise FolderFault(
            f"{server.settings.data} was made by `sv dev`, and everybody knows its credentials; choose another folder with --data"
        )
    shown, projects = kind.get(CREDENTIALS_SHOWN), server.projects.list_all()
    if shown == "true":
        return None
    if projects if shown is None else _are_used(server):
        note_shown(server)
        return None
    given = server.settings.first_api_token
    token = make_api_token() if given is None else describe_api_token(given.reveal())
    password = make_password()
    password_hash = hash_password(password)
    now = server.clock()
    with server.meta.together():
        kind.put(_KIND, '"serve"')
        kind.put(CREDENTIALS_SHOWN, "false")
        admin = server.users.find_login(ADMIN_EMAIL)
        if admin is None:
            server.users.create(ADMIN_EMAIL, password_hash=password_hash, now_ms=now, is_instance_admin=True)
        else:
            server.users.set_password_hash(admin[0].id, password_hash)
        for old in server.api_tokens.list_all():
            if old.name == _TOKEN:
                server.api_tokens.revoke(old.id, now)
        if not server.api_tokens.revive(token.hash):  # given to the start before, too
            server.api_tokens.create(
                _TOKEN, secret_hash=token.hash, prefix=token.prefix, scopes=ALL_SCOPES, project_id=None, now_ms=now
            )
        project_id, project_token = _put_first_project(server, now)
    return Credentials(project_id, project_token, token.secret if given is None else None, ADMIN_EMAIL, password)


def _put_first_project(server: Server, now: int) -> tuple[str, str]:
    """The id and a good token of the first start's project, which a start that was cut off may have made."""
    given, projects = server.settings.first_project_token, server.projects.list_all()
    if not projects:
        token = given or make_project_token()
        return server.projects.create("My project", token=token, now_ms=now).id, token
    project_id = projects[-1].id
    good = server.project_tokens.all_project_tokens(now).projects
    known = [token for token, owner in good.items() if owner == project_id]
    if given is None and known:
        return project_id, known[0]
    token = given or make_project_token()
    if any(old.token == token for old in server.project_tokens.tokens_of(project_id)):
        for other in known:
            server.project_tokens.revoke(other, now)
        server.project_tokens.revive(token)
    else:
        server.project_tokens.rotate(project_id, token, now)
    return project_id, token


def _are_used(server: Server) -> bool:
    """Whether somebody got in by what a first start made, or made something of the folder, though the disk may not have taken that it was
    shown. A login notes that by itself."""
    tokens = server.api_tokens.list_all()
    return any(token.last_used_ms is not None for token in tokens) or bool(server.people.audit.page(PageQuery(1)))


def note_shown(server: Server) -> None:
    """Remember that somebody has seen what `first_credentials` made. A disk that doesn't take that is only logged."""
    try:
        InstanceSettings(server.meta).put(CREDENTIALS_SHOWN, "true")
    except SvError as error:
        log.warning(
            "can't note that the credentials were shown, so the next start makes new ones unless they are used: %s", error.message
        )


def dev_credentials(server: Server) -> Credentials:
    """Make the fixed credentials, where the folder has none, put right those that were changed or ended, and mark the folder as one of
    `sv dev`: in one transaction, one wait for the disk. Where all is right, nothing is written.

    Raises FolderFault for a folder that `sv serve` made: opening it with credentials that everybody knows would open it to everybody. And
    for one whose project was deleted, whose id is given to no other.
    """
    kind = InstanceSettings(server.meta)
    made_by = kind.get(_KIND)
    if made_by == '"serve"':
        raise FolderFault(f"{server.settings.data} was made by `sv serve`; start it with `sv serve`, or choose another folder")
    if made_by is None and server.projects.list_all():
        raise FolderFault(
            f"the `sv.db` of {server.settings.data} doesn't say whether `sv dev` made the folder, as one that was made anew by"
            " `sv check --repair` doesn't, and `sv dev` would open it to everybody; start it with `sv serve`, after `sv user create`"
            " and `sv token create`, or choose another folder with --data"
        )
    with server.meta.together():
        if made_by is None:
            kind.put(_KIND, '"dev"')
        _put_project_right(server)
        _put_api_token_right(server)
        _put_login_right(server)
    return DEV


class DevServer(Server):
    """A server that puts the fixed credentials right whenever it is emptied."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        super().__init__(settings, is_dev=True, clock=clock)

    def reset(self) -> None:
        dev_credentials(self)  # first: a reset that can't be done leaves everything
        super().reset()


def kept_project(meta: Meta) -> str | None:
    """The project of the folder that nobody may delete."""
    return DEV.project_id if InstanceSettings(meta).get(_KIND) == '"dev"' else None


def _put_project_right(server: Server) -> None:
    if server.projects.find(DEV.project_id) is None:
        try:
            server.projects.create("dev", token=DEV.project_token, now_ms=server.clock(), project_id=DEV.project_id)
        except Conflict:
            raise FolderFault(
                f"the project {DEV.project_id!r} of {server.settings.data} was deleted, and `sv dev` can't be without it; "
                "choose another folder with --data"
            ) from None
    elif server.project_tokens.resolve_project_token(DEV.project_token, NEVER_MS - 1) is None:  # also one that has yet to end
        server.project_tokens.revive(DEV.project_token)


def _put_api_token_right(server: Server) -> None:
    token, now = describe_api_token(DEV_API_TOKEN), server.clock()
    if server.api_tokens.find_live(token.hash, now) is None and not server.api_tokens.revive(token.hash):
        server.api_tokens.create(
            "dev", secret_hash=token.hash, prefix=token.prefix, scopes=ALL_SCOPES, project_id=None, now_ms=now
        )


def _put_login_right(server: Server) -> None:
    known = server.users.find_login(DEV_EMAIL)
    if known is None:
        server.users.create(DEV_EMAIL, password_hash=DEV_PASSWORD_HASH, now_ms=server.clock(), is_instance_admin=True)
        return
    user, password_hash = known
    if password_hash != DEV_PASSWORD_HASH:
        server.users.set_password_hash(user.id, DEV_PASSWORD_HASH)
    if not user.is_instance_admin:
        server.users.set_instance_admin(user.id, True)
