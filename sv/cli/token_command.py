"""Make, list and revoke API tokens. A token is shown once and kept as a hash.

examples:
  sv token create "nightly export" --project k3v9x0a2m7qd --scope read
  sv token create "terraform" --scope admin --days 90      for all projects, for 90 days
  sv token list
  sv token revoke 7dk2m9
"""

import argparse
import json
from typing import Any

from sv.auth.tokens import make_api_token
from sv.cli.opened import opened_meta
from sv.meta.api_tokens import ApiToken, ApiTokens
from sv.model.access import Scope
from sv.model.calendar import iso_ms
from sv.model.limits import DAY_MS
from sv.server import now_ms
from sv.settings import add_flags


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
    for action in (create, listing, revoke):
        action.add_argument("--json", action="store_true", help="answer in JSON")
        add_flags(action, ["data"])


def run(args: argparse.Namespace) -> int:
    with opened_meta(args) as meta:
        tokens = ApiTokens(meta)
        now = now_ms()
        match args.action:
            case "create":
                made = make_api_token()
                kept = tokens.create(
                    args.name,
                    secret_hash=made.hash,
                    prefix=made.prefix,
                    scopes=frozenset(Scope(scope) for scope in args.scope or ["read"]),
                    project_id=args.project,
                    now_ms=now,
                    expires_ms=None if args.days is None else now + int(args.days * DAY_MS),
                )
                _show([_row(kept) | {"token": made.secret}], as_json=args.json)
            case "revoke":
                tokens.revoke(args.token_id, now)
                _show([_row(tokens.get(args.token_id))], as_json=args.json)
            case _:
                _show([_row(token) for token in tokens.list_all()], as_json=args.json)
    return 0


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": sorted(scope.value for scope in token.scopes),
        "project_id": token.project_id,
        "expires_at": None if token.expires_ms is None else iso_ms(token.expires_ms),
        "revoked_at": None if token.revoked_ms is None else iso_ms(token.revoked_ms),
        "last_used_at": None if token.last_used_ms is None else iso_ms(token.last_used_ms),
    }


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        state = "revoked" if row["revoked_at"] else f"until {row['expires_at']}" if row["expires_at"] else "good"
        project = row["project_id"] or "all projects"
        print(
            f"{row['id']}  {row.get('token', row['prefix'] + '…')}  {','.join(row['scopes'])}  {project}  {state}  {row['name']}"
        )
