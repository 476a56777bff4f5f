#!/usr/bin/env python3
"""Is what was acknowledged right before SIGTERM there at the next start? For `.ci/image-check`.

`drain.py send PORT PROJECTS` sends events and ends as soon as they are acknowledged; `drain.py count PORT PROJECTS TOKENS` exits 1
unless all of them are there, once. PROJECTS and TOKENS are what `sv project list --json` and `sv token create --json` print.
"""

import json
import sys
import time

import smoke

EVENTS = 1000


def send(address: str, project: dict[str, list[str]]) -> None:
    now = int(time.time() * 1000)
    events = [{"event": "drained", "anonymousId": str(number), "timestamp": now} for number in range(EVENTS)]
    status, answer = smoke.ask(
        f"{address}/api/v1/ingest/events", {"projectToken": project["project_tokens"][0], "events": events}
    )
    if status != 202:
        sys.exit(f"drain: {EVENTS} events were answered {status} {answer}")


def count(address: str, project: dict[str, str], token: str) -> None:
    smoke.TOKEN = token
    status, answer = smoke.ask(f"{address}/api/v1/projects/{project['id']}/events?limit={EVENTS}&event=drained")
    found = answer["data"] if status == 200 else []
    if len({event["distinct_id"] for event in found}) != EVENTS or answer["meta"]["has_more"]:
        sys.exit(f"drain: of {EVENTS} events {len(found)} are there: {status}")


if __name__ == "__main__":
    what, port, projects, *tokens = sys.argv[1:]
    first = json.loads(projects)[0]
    if what == "send":
        send(f"http://127.0.0.1:{port}", first)
    else:
        count(f"http://127.0.0.1:{port}", first, json.loads(tokens[0])[0]["token"])
