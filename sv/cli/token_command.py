"""Make, list and revoke API tokens. A token is shown once and kept as a hash.

examples:
  sv token create "nightly export" --project k3v9x0a2m7qd --scope read
  sv token create "terraform" --scope admin --days 90      for all projects, for 90 days
  sv token list
  sv token revoke 7dk2m9
"""

import argparse
from typing import Any

from sv.cli.folder_access import add_common_flags, opened_people, print_json, this_person
from sv.model.access import Scope
from sv.model.errors import InvalidParameter
from sv.model.limits import DAY_MS, MAX_TIMESTAMP_MS
from sv.people.answers import show_api_token
from sv.people.bodies import NewToken
from sv.people.people import People
from sv.people.tokens import create_token, revoke_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make an API token; shows it once")
    create.add_argument("name", help="what it is for")
    create.add_argument("--project", help="the one project it is for (default: all)")
    create.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], help="read (default), write or admin; repeatable"
    )
    create.add_argument("--days", type=float, help="how long it is good (default: until it is revoked)")
    listing = actions.add_parser("list", help="list API tokens")
    revoke = actions.add_parser("revoke", help="end an API token at once")
    revoke.add_argument("token_id")
    add_common_flags((create, listing, revoke))


def run(args: argparse.Namespace) -> int:
    with opened_people(args) as people:
        rows = _rows(people, args)
    if args.json:
        print_json(rows)
        return 0
    for row in rows:
        state = "revoked" if row["revoked_at"] else f"until {row['expires_at']}" if row["expires_at"] else "good"
        project = row["project_id"] or "all projects"
        print(
            f"{row['id']}  {row.get('token', row['prefix'] + '…')}  {','.join(row['scopes'])}  {project}  {state}  {row['name']}"
        )
    return 0


def _rows(people: People, args: argparse.Namespace) -> list[dict[str, Any]]:
    match args.action:
        case "create":
            new = NewToken(
                name=args.name,
                scopes=frozenset(Scope(scope) for scope in args.scope or ["read"]),
                project_id=args.project,
                expires_ms=None if args.days is None else _end_ms(args.days, people.now_ms()),
            )
            made = create_token(people, this_person(), new)
            return [show_api_token(made.token) | {"token": made.secret}]
        case "revoke":
            return [show_api_token(revoke_token(people, this_person(), args.token_id))]
        case _:
            return [show_api_token(token) for token in people.api_tokens.list_all()]


def _end_ms(days: float, now_ms: int) -> int:
    """When a token ends that is good for so many days. Raises InvalidParameter for a moment that isn't ahead, or that can't be shown."""
    most_ms = MAX_TIMESTAMP_MS - now_ms
    if not 1 <= days * DAY_MS <= most_ms:
        raise InvalidParameter(f"expected more than 0 and up to {most_ms // DAY_MS:,}, got {days:.15g} (--days)")
    return now_ms + int(days * DAY_MS)
