#!/usr/bin/env python3
"""Is what a server acknowledged while SIGTERM came there at its next start? For `.ci/image-check`.

`drain.py send PORT PROJECTS FILE` sends on four connections until the server has gone, and writes to FILE what was acknowledged, a line a
request; it ends 1 where the server refused anything but by going, or stays for longer than a minute. `drain.py count PORT PROJECTS TOKENS
FILE` exits 1 unless all of these are there, once, and nothing but what was still on its way. PROJECTS and TOKENS are what `sv project list
--json` and `sv token create --json` print.
"""
# ruff: noqa: T201 - a command line that prints

import collections
import http.client
import json
import sys
import threading
import time
from pathlib import Path

import smoke

SENDERS = 4
EVENTS = 10
"""To a request."""
SEND_S = 60.0
PAGE = 1000
GONE = (OSError, http.client.HTTPException)
LEAVING = 503


def send(address: str, project: dict[str, list[str]], file: Path) -> None:
    wrong: list[str] = []
    deadline = time.monotonic() + SEND_S
    with file.open("w", buffering=1) as acknowledged:

        def keep_sending(sender: int) -> None:
            for request in range(1_000_000):
                if time.monotonic() > deadline:
                    wrong.append("the server is still there")
                    return
                name, now = f"{sender}-{request}", int(time.time() * 1000)
                events = [{"event": "drained", "anonymousId": f"{name}-{number}", "timestamp": now} for number in range(EVENTS)]
                body = {"projectToken": project["project_tokens"][0], "events": events}
                try:
                    status, answer = smoke.ask(f"{address}/api/v1/ingest/events", body)
                except GONE:
                    return
                if status == 202:
                    acknowledged.write(f"{name}\n")
                elif status != LEAVING:
                    wrong.append(f"{EVENTS} events were answered {status} {answer}")
                    return

        senders = [threading.Thread(target=keep_sending, args=(sender,)) for sender in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    if wrong:
        sys.exit(f"drain: {wrong[0]}")


def count(address: str, project: dict[str, str], token: str, file: Path) -> None:
    smoke.TOKEN = token
    found: collections.Counter[str] = collections.Counter()
    cursor = ""
    while True:
        status, answer = smoke.ask(f"{address}/api/v1/projects/{project['id']}/events?limit={PAGE}&event=drained{cursor}")
        if status != 200:
            sys.exit(f"drain: the events were answered {status} {answer}")
        found.update(event["distinct_id"] for event in answer["data"])
        if not answer["meta"]["has_more"]:
            break
        cursor = f"&cursor={answer['meta']['next_cursor']}"
    names = file.read_text().split()
    wanted = {f"{name}-{number}" for name in names for number in range(EVENTS)}
    lost, twice = wanted - set(found), [who for who, times in found.items() if times > 1]
    others = len(set(found) - wanted)
    if not wanted or lost or twice or others > SENDERS * EVENTS:
        sys.exit(
            f"drain: of {len(wanted)} acknowledged events {len(lost)} are lost, {len(twice)} doubled; {others} others are there"
        )
    print(f"drain: {len(wanted)} events were acknowledged until it had gone, and all are there, once")


if __name__ == "__main__":
    what, port, projects, *more = sys.argv[1:]
    first = json.loads(projects)[0]
    if what == "send":
        send(f"http://127.0.0.1:{port}", first, Path(more[0]))
    else:
        count(f"http://127.0.0.1:{port}", first, json.loads(more[0])[0]["token"], Path(more[1]))
