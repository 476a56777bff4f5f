"""What commands that ask about events have in common: the flags, and filters as a person writes them.

    plan=pro    plan!=pro    amount>=100    amount<5    title~shoes (contains, in either case)    coupon (is there)

A value that reads as JSON is of that type (`10`, `true`, `"10"` is a text), any other is a text.
"""

import argparse
import re
from typing import Any, Final

import msgspec

from sv.cli.server_access import add_server_flags
from sv.model.errors import InvalidParameter

_CONDITION: Final = re.compile(r"(?P<property>[^=!<>~]+)(?P<sign>!=|>=|<=|=|>|<|~)(?P<value>.*)", re.DOTALL)
_OPERATORS: Final = {"=": "exact", "!=": "is_not", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "icontains"}


def add_question_flags(parser: argparse.ArgumentParser) -> None:
    """--project, --where, --json and how to reach the server."""
    parser.add_argument("--project", metavar="ID", help="whose events (default: the only project there is)")
    parser.add_argument(
        "--where",
        metavar="CONDITION",
        action="append",
        default=[],
        help="only events that meet it: plan=pro, plan!=pro, amount>=100, title~shoes (contains), coupon (is there); may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON, as the API does")
    add_server_flags(parser, "read")


def add_insight_flags(parser: argparse.ArgumentParser) -> None:
    """The dates, the breakdown and the rest that insights take."""
    parser.add_argument(
        "--date-from", metavar="DATE", default="-30d", help="2026-01-31, 2026-01-31T12:00Z or -7d (default: -30d)"
    )
    parser.add_argument("--date-to", metavar="DATE", help="likewise, the day included (default: now)")
    parser.add_argument("--timezone", metavar="NAME", help="as Europe/Berlin (default: the project's)")
    parser.add_argument("--breakdown", metavar="PROPERTY", help="told apart by the values of a property, such as $browser")
    parser.add_argument("--breakdown-limit", metavar="N", type=int, help="of how many of them (default: 25)")
    parser.add_argument("--include-bots", action="store_true", help="count known bots, too")
    add_question_flags(parser)


def insight_fields(args: argparse.Namespace) -> dict[str, Any]:
    """The API's fields of what `add_insight_flags` takes, those given."""
    names = ("date_from", "date_to", "timezone", "breakdown", "breakdown_limit")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return (
        given | ({"include_bots": True} if args.include_bots else {}) | ({"filters": found} if (found := filters(args)) else {})
    )


def named_properties(args: argparse.Namespace) -> list[str]:
    """The properties that a question is about, by its breakdown and conditions."""
    return [*([args.breakdown] if args.breakdown is not None else []), *(each["property"] for each in filters(args))]


def filters(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The API's filters of `--where`. Raises InvalidParameter."""
    return [_filter(each) for each in args.where]


def _filter(condition: str) -> dict[str, Any]:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        if not condition.strip() or "=" in condition:
            raise InvalidParameter(f"expected a condition such as plan=pro, got {condition[:60]!r} (--where)")
        return {"property": condition.strip(), "operator": "is_set"}
    text = found["value"].strip()
    if not text and found["sign"] not in ("=", "!="):
        raise InvalidParameter(f"expected a value after {found['sign']}, got none: {condition[:60]!r} (--where)")
    value: Any = text if found["sign"] == "~" else _value(text)
    return {"property": found["property"].strip(), "operator": _OPERATORS[found["sign"]], "value": value}


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
