"""Show events as they arrive.

examples:
  sv tail
  sv tail --event purchase --where amount>=100
  sv tail --person ann --lines 50
  sv tail --json --count 1 --event sign_up      wait for one, and show it whole
  sv tail --no-follow --lines 20                the newest twenty, and no more

The server is the one that --url (SV_URL) names, with the token of --api-token (SV_API_TOKEN); else the one on the data folder; else
`sv dev` at its usual address. With --json a line is an event as the API has it. Ctrl-C ends it.

Where nothing is there yet, and no event ever had the name or a property that is asked for, standard error tells it, and what may have been
meant. It looks at the newest 500 events by their own time, every second: one whose own time is earlier than all of these is not shown.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sv.cli.event_names import EventNames
from sv.cli.output import as_json
from sv.cli.questions import add_question_flags, filters
from sv.cli.server_access import RunningServer, find_server
from sv.cli.terminal import console, line, shown
from sv.model.command_limits import TAIL_EVENTS
from sv.model.errors import InvalidParameter, Unavailable

if TYPE_CHECKING:
    from rich.text import Text

Event = dict[str, Any]
MAX_PAUSE_S = 30.0
VALUE_CHARS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--event", metavar="NAME", help="only events of this name, or of the smart event of this name")
    parser.add_argument("--person", metavar="DISTINCT_ID", help="only this person's")
    parser.add_argument(
        "--lines", "-n", metavar="N", type=int, default=10, help="begin with so many that are there (default: 10)"
    )
    parser.add_argument("--count", metavar="N", type=int, help="stop after so many that arrived since the start")
    parser.add_argument("--no-follow", action="store_true", help="stop after those that are there")
    parser.add_argument("--every", metavar="SECONDS", type=float, default=1.0, help="how often to ask (default: 1)")
    add_question_flags(parser)


def run(args: argparse.Namespace) -> int:
    if not 0 <= args.lines <= TAIL_EVENTS:
        raise InvalidParameter(f"expected 0 to {TAIL_EVENTS}, got {args.lines} (--lines)")
    if args.count is not None and args.count < 1:
        raise InvalidParameter(f"expected 1 or more, got {args.count} (--count)")
    if not 0.05 <= args.every <= 3600:
        raise InvalidParameter(f"expected 0.05 to 3600, got {args.every:g} (--every)")
    server = find_server(args)
    project = server.project(args.project)
    names = EventNames(server, project, sys.stderr)
    asked = {"event": args.event, "distinct_id": args.person, "limit": TAIL_EVENTS}
    if conditions := filters(args):
        asked["filters"] = msgspec.json.encode(conditions).decode()
    tell = _Teller(is_json=args.json)
    feed = Feed(server, f"{project}/events", asked)
    try:
        there = feed.new()
        if not there and args.event is not None and "event" not in (meant := names.fields([args.event], "event")[0]):
            feed = Feed(server, f"{project}/events", asked | {"event": None} | meant)
            there = feed.new()
        if not there:
            names.tell_unknown([args.event] if args.event is not None else [])
            names.tell_unknown_properties(each["property"] for each in conditions)
        for event in there[len(there) - args.lines :] if args.lines else []:
            tell.event(event)
        if args.no_follow:
            return 0
        left = args.count
        for event in feed.follow(args.every):
            tell.event(event)
            left = None if left is None else left - 1
            if left == 0:
                return 0
    except KeyboardInterrupt:
        pass
    return 0


class Feed:
    """The events of a list that were not there when it was last asked for."""

    def __init__(self, server: RunningServer, path: str, asked: dict[str, Any]) -> None:
        self._server = server
        self._path = path
        self._asked = asked
        self._seen: frozenset[str] = frozenset()

    def new(self) -> list[Event]:
        """New events, oldest first. Raises what asking the server raises."""
        page: list[Event] = self._server.get(self._path, **self._asked)["data"]
        found = [event for event in reversed(page) if event["id"] not in self._seen]
        # An event that was pushed off the page doesn't come back onto it, so the page's own are enough to know.
        self._seen = frozenset(event["id"] for event in page)
        return found

    def follow(self, every_s: float) -> Iterator[Event]:
        """Yields events as they arrive, for ever. Waits for a server that is away for a while."""
        pause_s = every_s
        while True:
            time.sleep(pause_s)
            try:
                found = self.new()
            except Unavailable as error:
                if pause_s == every_s:
                    print(f"sv: {error.message}; waiting for it", file=sys.stderr, flush=True)
                pause_s = min(max(pause_s * 2, every_s), max(MAX_PAUSE_S, every_s))
                continue
            pause_s = every_s
            yield from found


class _Teller:
    def __init__(self, *, is_json: bool) -> None:
        self._out = None if is_json else console()

    def event(self, event: Event) -> None:
        if self._out is None:
            print(as_json(event), flush=True)
        else:
            self._out.print(told(event), soft_wrap=False, no_wrap=True, overflow="ellipsis", crop=True)
            sys.stdout.flush()


def told(event: Event) -> "Text":
    """An event's line: when (local time), what, who, where, and the properties that are not the clients' own."""
    when = datetime.fromisoformat(event["timestamp"]).astimezone()
    properties = event["properties"]
    pieces: list[str | tuple[str, str]] = [
        (f"{when:%Y-%m-%d %H:%M:%S}", "dim"),
        "  ",
        (shown(event["event"]), "bold cyan"),
        "  ",
        (shown(event["distinct_id"]), "green"),
    ]
    if url := properties.get("$current_url"):
        pieces += ["  ", (shown(str(url)), "blue")]
    for key, value in properties.items():
        if not key.startswith("$"):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            pieces += ["  ", (f"{shown(key, VALUE_CHARS)}=", "dim"), shown(text, VALUE_CHARS)]
    return line(*pieces)
