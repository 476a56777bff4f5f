"""Make, list, change and delete users: people who log in.

examples:
  sv user create ann@example.com --role k3v9x0a2m7qd=editor     shows a password, once
  sv user create root@example.com --instance-admin
  sv user list
  sv user password ann@example.com                              a new one is shown, once; ends her login sessions
  echo "correct horse battery" | sv user password ann@example.com --stdin
  sv user role ann@example.com k3v9x0a2m7qd admin               viewer, editor, admin or none
  sv user role ann@example.com --instance-admin yes
  sv user delete ann@example.com

Passwords are never taken as options, which every user of the machine could read.
"""

import argparse
import sys
from typing import Any, Final

from sv.auth.passwords import check_password, hash_password, make_password
from sv.cli.folder_access import add_common_flags, opened_people, print_json, this_person
from sv.cli.standard_streams import text_given
from sv.meta.users import User
from sv.model.access import Role
from sv.model.errors import InvalidParameter, NotFound
from sv.people.answers import show_user
from sv.people.bodies import UserChange
from sv.people.people import People
from sv.people.users import change_user, create_user, delete_user

_NONE: Final = "none"
_ROLES: Final = [*(role.value for role in Role), _NONE]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a user; shows the password unless it comes by --stdin")
    create.add_argument("email")
    create.add_argument("--role", action="append", default=[], metavar="PROJECT=ROLE", help="viewer, editor or admin; repeatable")
    create.add_argument("--instance-admin", action="store_true", help="may do everything in every project")
    listing = actions.add_parser("list", help="list users with their roles")
    password = actions.add_parser("password", help="give a user a new password; ends their login sessions")
    password.add_argument("email")
    for action in (create, password):
        action.add_argument("--stdin", action="store_true", help="read the password from standard input")
    role = actions.add_parser("role", help="change what a user is in a project, or in the instance")
    role.add_argument("email")
    role.add_argument("project_id", nargs="?")
    role.add_argument("role", nargs="?", choices=_ROLES)
    role.add_argument("--instance-admin", choices=["yes", "no"], help="whether they may do everything in every project")
    delete = actions.add_parser("delete", help="delete a user")
    delete.add_argument("email")
    add_common_flags((create, listing, password, role, delete))


def run(args: argparse.Namespace) -> int:
    with opened_people(args) as people:
        rows = _rows(people, args)
    if args.json:
        print_json(rows)
        return 0
    for row in rows:
        roles = "instance admin" if row["is_instance_admin"] else _roles(row["memberships"])
        password = f"  password {row['password']}" if row.get("password") else ""
        print(f"{row['id']}  {row['email']}  {roles}{password}")
    return 0


def _rows(people: People, args: argparse.Namespace) -> list[dict[str, Any]]:
    actor = this_person()
    match args.action:
        case "create":
            password, made = _password(args)
            new = UserChange(email=args.email, is_instance_admin=args.instance_admin, roles=tuple(map(_role, args.role)))
            return [_row(people, create_user(people, actor, new, hash_password(password))) | {"password": made}]
        case "password":
            user = _find(people, args.email)
            password, made = _password(args)
            changed = change_user(people, actor, user.id, UserChange(), hash_password(password))
            return [_row(people, changed) | {"password": made}]
        case "role":
            if (args.project_id is None) != (args.role is None) or (args.role is None and args.instance_admin is None):
                raise InvalidParameter("expected a project and a role, or --instance-admin yes or no")
            user = _find(people, args.email)
            role = None if args.role in (None, _NONE) else Role(args.role)
            change = UserChange(
                is_instance_admin=None if args.instance_admin is None else args.instance_admin == "yes",
                roles=() if args.project_id is None else ((args.project_id, role),),
            )
            return [_row(people, change_user(people, actor, user.id, change))]
        case "delete":
            user = _find(people, args.email)
            row = _row(people, user)
            delete_user(people, actor, user.id)
            return [row]
        case _:
            return [_row(people, user) for user in people.users.list_all()]


def _find(people: People, email: str) -> User:
    known = people.users.find_login(email)
    if known is None:
        raise NotFound(f"no user {email!r}; `sv user list` lists them")
    return known[0]


def _password(args: argparse.Namespace) -> tuple[str, str | None]:
    """The password, and the same again where it was made up and has to be shown."""
    if not args.stdin:
        made = make_password()
        return made, made
    password = text_given(sys.stdin.buffer.readline()).rstrip("\r\n")
    check_password(password)
    return password, None


def _role(text: str) -> tuple[str, Role | None]:
    project_id, _, role = text.partition("=")
    if role not in list(Role):
        raise InvalidParameter(f"expected PROJECT=viewer, PROJECT=editor or PROJECT=admin, got {text!r} (--role)")
    return project_id, Role(role)


def _row(people: People, user: User) -> dict[str, Any]:
    return show_user(user, people.users.roles_of(user.id))


def _roles(memberships: list[dict[str, str]]) -> str:
    return ", ".join(f"{held['project_id']}={held['role']}" for held in memberships) or "no project"
