"""What a server says when it is ready: where it is, how to get in, and the next command to type."""

import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Final

import msgspec

from sv.cli.credentials import DEV, Credentials
from sv.cli.failures import drop_output
from sv.cli.terminal import bold, shown
from sv.model.batch import Batch
from sv.server import Server

log = logging.getLogger(__name__)

GIVEN_TOKEN: Final = "$SV_FIRST_API_TOKEN"  # noqa: S105 - the shell's name for it
"""What stands in commands for an API token that was given, which is not shown."""

DEV_URL: Final = "http://127.0.0.1:8000"
"""Where commands that ask a server look for `sv dev` by themselves."""

README_STEPS: Final = "product_viewed > checkout_started > purchase_completed"

README_FUNNEL: Final = {
    "steps": [{"event": "product_viewed"}, {"event": "checkout_started"}, {"event": "purchase_completed"}],
    "date_from": "-60d",
}


def credentials_lines(made: Credentials) -> list[str]:
    """The credentials, a line each."""
    return [
        f"  project        {made.project_id}",
        f"  project token  {made.project_token}   for SDKs: it can only write",
        f"  API token      {made.api_token or 'as it was given'}   for the query API: it can do everything",
        f"  web login      {made.email}   password {made.password}",
    ]


def introduce(url: str, made: Credentials, script_path: str, *, has_sample: bool) -> None:
    """Print the credentials and what to do next."""
    print("\n".join(credentials_lines(made)))
    if has_sample:
        print(f"\n{bold('Next, ask for a funnel over the sample:')}\n\n{funnel_command(url, made)}\n")
        print(f"or, drawn in the terminal: {ask_line(url, made, ['funnel', README_STEPS, '--date-from', '-60d'])}\n", flush=True)
        return
    print(f"\n{bold('Next, send an event:')}\n\n{send_command(url, made.project_token)}\n")
    print(f"or let your pages send them:\n\n{snippet(url, made.project_token, script_path)}\n")
    print(f"and watch them arrive: {ask_line(url, made, ['tail'])}\n", flush=True)


@contextlib.contextmanager
def going_on_unread() -> Generator[None]:
    """A server serves also where what it says of itself can't be written: its disk is full, or who read it has gone."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        drop_output()
        log.warning("the output can't be written: %s; the server goes on without it", error.strerror)


def ask_line(url: str, made: Credentials, words: Sequence[str]) -> str:
    """A command of ours that asks this server; what it finds by itself is left out."""
    from shlex import join

    known = (
        []
        if (url, made.api_token) == (DEV_URL, DEV.api_token)
        else [f"SV_URL={url}", f"SV_API_TOKEN={made.api_token or GIVEN_TOKEN}"]
    )
    return " ".join([*known, join([own_name(sys.argv[0]), *words])])


def own_name(called: str) -> str:
    """What to type for this program: `sv` where a shell finds one, else the path by which it was called, as seen from here."""
    import shutil

    folder, name = os.path.split(called)
    if not folder or name != "sv" or shutil.which("sv"):
        return "sv"
    path = os.path.relpath(called)
    return called if path.startswith(os.pardir) else os.path.join(os.curdir, path)


def snippet(url: str, project_token: str, script_path: str) -> str:
    """What a page has in it to send events."""
    return f'<script async src="{url}{script_path}" data-token="{project_token}"></script>'


def tell_first_event(server: Server, url: str) -> None:
    """Say when the first event arrives, where none ever did, so that who just sent it sees that it works."""
    if server.store.ingested:
        return

    def tell(batch: Batch) -> None:
        # On a thread of its own: whoever reads our output may be slow, and the log waits for nobody.
        threading.Thread(target=_tell, args=(batch, url), name="sv-first-event", daemon=True).start()

    server.capture.on_first = tell


def _tell(batch: Batch, url: str) -> None:
    (first, *_) = msgspec.json.decode(batch.events, type=list[_Named])
    more = f" and {batch.event_count - 1:,} more" if batch.event_count > 1 else ""
    name, who = (shown(text) for text in (first.event, first.user_id or first.anonymous_id or ""))
    with going_on_unread():
        print(f"{bold('The first event has arrived:')} {name} of {who}{more}. The web app has it: {url}/\n", flush=True)


class _Named(msgspec.Struct, rename="camel"):
    event: str
    user_id: str | None = None
    anonymous_id: str | None = None


def send_command(url: str, project_token: str) -> str:
    """A curl that sends one event."""
    body = {"projectToken": project_token, "events": [{"event": "hello", "userId": "me"}]}
    return f"curl {url}/api/v1/ingest/events \\\n  -d '{json.dumps(body)}' -H 'Content-Type: application/json'"


def funnel_command(url: str, made: Credentials) -> str:
    """A curl that asks for the sample's funnel."""
    header = f"'Authorization: Bearer {made.api_token}'" if made.api_token else f'"Authorization: Bearer {GIVEN_TOKEN}"'
    return (
        f"curl {url}/api/v1/projects/{made.project_id}/insights/funnel \\\n"
        f"  -H {header} -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(README_FUNNEL)}'"
    )
