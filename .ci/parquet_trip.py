#!/usr/bin/env python3
"""Do `sv export` and `sv import` of Parquet work where pyarrow is without what was left out of it?

`parquet_trip.py ADDRESS FILE WORD...`: events of the project `dev` go to FILE and from there into a project of their own, by commands that
begin with WORD... and run where FILE is; both have to hold the same then. The server has the credentials of `sv dev`. Exits 1 with one
line where something is amiss.
"""
# ruff: noqa: S603 - starts the program that it is given

import json
import subprocess
import sys
import time
from collections.abc import Sequence

import smoke

EVENTS = 3
FIELDS = ("event", "distinct_id", "timestamp", "properties")


def listed(address: str, project: str) -> list[dict[str, object]]:
    status, answer = smoke.ask(f"{address}/api/v1/projects/{project}/events?event=parquet")
    if status != 200:
        sys.exit(f"parquet_trip: the events were answered {status} {answer}")
    return [{name: event[name] for name in FIELDS} for event in answer["data"]]


def run(words: Sequence[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    if done.returncode:
        sys.exit(f"parquet_trip: {words}: status {done.returncode} {done.stdout} {done.stderr}")


def trip(address: str, file: str, sv: Sequence[str]) -> None:
    now = int(time.time() * 1000) - 60_000
    properties = {"amount": 9.5, "list": [1, None, "ü"], "deep": {"is": True}}
    events = [{"event": "parquet", "anonymousId": f"p{n}", "timestamp": now + n, "properties": properties} for n in range(EVENTS)]
    status, _ = smoke.ask(f"{address}/api/v1/ingest/events", {"projectToken": "sv_pub_dev", "events": events})
    made, project = smoke.ask(f"{address}/api/v1/projects", {"name": "of Parquet"})
    if (status, made) != (202, 201):
        sys.exit(f"parquet_trip: events and a project were answered {status} and {made}")
    asked = ["--url", address, "--api-token", smoke.TOKEN]
    run([*sv, "export", "--project", "dev", "--event", "parquet", "--output", file, *asked])
    run([*sv, "import", "--project", project["id"], file, "--strict", *asked])
    sent, got = listed(address, "dev"), listed(address, project["id"])
    if len(sent) != EVENTS or sent != got:
        sys.exit(f"parquet_trip: {json.dumps(sent)} came back as {json.dumps(got)}")


if __name__ == "__main__":
    trip(sys.argv[1], sys.argv[2], sys.argv[3:])
