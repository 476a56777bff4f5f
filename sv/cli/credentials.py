"""The project, administrator and tokens that a first start makes."""

from typing import Final

from msgspec import Struct

from sv.auth.passwords import hash_password, make_password
from sv.auth.tokens import describe_api_token, make_api_token, make_project_token
from sv.meta.errors import FolderFault
from sv.meta.instance import Settings as InstanceSettings
from sv.model.access import Scope
from sv.server import Server

ALL_SCOPES: Final = frozenset(Scope)
ADMIN_EMAIL: Final = "admin@localhost"
DEV_EMAIL: Final = "dev@localhost"
DEV_PASSWORD: Final = "dev"  # noqa: S105 - public by design: `sv dev` listens on loopback alone and keeps nothing of worth
DEV_PASSWORD_HASH: Final = (  # made beforehand, since to hash a password takes longer than all the rest of a start
    "$argon2id$v=19$m=19456,t=2,p=1$o2AWQPNAcoTM2CfaTObf9Q$kCFEpVGP/Al1m/mj3WtbIhseehGX2AdZgF2tYku2RGQ"  # noqa: S105
)
_KIND: Final = "made_by"


class Credentials(Struct, frozen=True):
    """What a person needs for the next step. Secrets are shown once and kept as hashes."""

    project_id: str
    project_token: str
    api_token: str
    email: str
    password: str


DEV: Final = Credentials("dev", "sv_pub_dev", "sv_dev", DEV_EMAIL, DEV_PASSWORD)
"""The same for ever, so that a test's configuration can name them."""


def first_credentials(server: Server) -> Credentials | None:
    """Make a project, an administrator and tokens in a folder that has none; None where it has.

    The project comes last and says that all is done: a first start that was cut off is done again, and what it left is made anew.
    Raises FolderFault for a folder of `sv dev`, whose credentials everybody knows.
    """
    kind = InstanceSettings(server.meta)
    if kind.get(_KIND) == '"dev"':
        raise FolderFault(
            f"{server.settings.data} was made by `sv dev`, and everybody knows its credentials; choose another folder with --data"
        )
    if server.projects.list_all():
        return None
    kind.put(_KIND, '"serve"')
    token = make_api_token()
    made = Credentials("", make_project_token(), token.secret, ADMIN_EMAIL, make_password())
    now = server.clock()
    known = server.users.find_login(made.email)
    if known is None:
        server.users.create(made.email, password_hash=hash_password(made.password), now_ms=now, is_instance_admin=True)
    else:
        server.users.set_password_hash(known[0].id, hash_password(made.password))
    for old in server.api_tokens.list_all():
        server.api_tokens.revoke(old.id, now)
    server.api_tokens.create(
        "first start", secret_hash=token.hash, prefix=token.prefix, scopes=ALL_SCOPES, project_id=None, now_ms=now
    )
    project = server.projects.create("My project", token=made.project_token, now_ms=now)
    return Credentials(project.id, made.project_token, made.api_token, made.email, made.password)


def dev_credentials(server: Server) -> Credentials:
    """Make the fixed credentials, where the folder has none, and mark it as one of `sv dev`: in one transaction, one wait for the disk.

    Raises FolderFault for a folder that `sv serve` made: opening it with credentials that everybody knows would open it to everybody.
    """
    kind = InstanceSettings(server.meta)
    if kind.get(_KIND) == '"serve"' or (kind.get(_KIND) is None and server.projects.list_all()):
        raise FolderFault(f"{server.settings.data} was made by `sv serve`; start it with `sv serve`, or choose another folder")
    now = server.clock()
    token = describe_api_token(DEV.api_token)
    with server.meta.together():
        kind.put(_KIND, '"dev"')
        if server.projects.find(DEV.project_id) is None:
            server.projects.create("dev", token=DEV.project_token, now_ms=now, project_id=DEV.project_id)
        if server.api_tokens.find_live(token.hash, now) is None:
            server.api_tokens.create(
                "dev", secret_hash=token.hash, prefix=token.prefix, scopes=ALL_SCOPES, project_id=None, now_ms=now
            )
        if server.users.find_login(DEV_EMAIL) is None:
            server.users.create(DEV_EMAIL, password_hash=DEV_PASSWORD_HASH, now_ms=now, is_instance_admin=True)
    return DEV
