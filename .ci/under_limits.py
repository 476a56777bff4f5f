#!/usr/bin/env python3
"""Does a container with little memory take many events and answer a funnel over them? For `.ci/image-check`.

`under_limits.py PORT PROJECTS TOKENS PID BYTES`: sends 200,000 events, asks a funnel, and reads what the kernel counted in the control
group of the process PID, which may use BYTES: how much at most, and whether anything was killed for want of memory. Exits 1 where
something was, where the peak (with the files that the kernel caches) reached BYTES, or where the answer is wrong. PROJECTS and TOKENS are
what `sv project list --json` and `sv token create --json` print.
"""
# ruff: noqa: T201 - a command line that prints

import json
import re
import sys
import time
from pathlib import Path

import smoke

EVENTS = 200_000
REQUEST = 2_000
PERSONS = 20_000
STEPS = ("view", "cart", "buy")
ROOT = Path("/sys/fs/cgroup")


def send(address: str, project_token: str) -> None:
    """Ten events a person: a view, and of every second person a cart, of every fourth a purchase; the rest are pages."""
    now = int(time.time() * 1000) - 60_000
    for start in range(0, EVENTS, REQUEST):
        events = [
            {
                "event": name_of(number % PERSONS, number // PERSONS),
                "anonymousId": f"person-{number % PERSONS}",
                "timestamp": now + number // PERSONS,
                "properties": {"path": f"/{number % 97}", "text": "x" * 100},
            }
            for number in range(start, start + REQUEST)
        ]
        status, answer = smoke.ask(f"{address}/api/v1/ingest/events", {"projectToken": project_token, "events": events})
        if status != 202:
            sys.exit(f"under_limits: {REQUEST} events were answered {status} {answer}")


def name_of(person: int, turn: int) -> str:
    return STEPS[turn] if turn < len(STEPS) and person % (2**turn) == 0 else "page"


def ask(address: str, project: str) -> None:
    funnel = {"steps": [{"event": name} for name in STEPS], "date_from": "-1d"}
    status, answer = smoke.ask(f"{address}/api/v1/projects/{project}/insights/funnel", funnel)
    counts = [step["count"] for step in answer["steps"]] if status == 200 else answer
    if counts != [PERSONS, PERSONS // 2, PERSONS // 4]:
        sys.exit(f"under_limits: the funnel was answered {status} {counts}")


def read(pid: int) -> tuple[int, int, int]:
    """Limit, peak and kills of the control group, in either version."""
    groups = dict(re.findall(r"^\d+:(?:name=)?([^:]*):/(.*)$", Path(f"/proc/{pid}/cgroup").read_text(), re.MULTILINE))
    if "memory" in groups:
        folder = ROOT / "memory" / groups["memory"]
        limit, peak, events = "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"
    else:
        folder = ROOT / groups[""]
        limit, peak, events = "memory.max", "memory.peak", "memory.events"
    (kills,) = re.findall(r"^oom_kill (\d+)$", (folder / events).read_text(), re.MULTILINE)
    return int((folder / limit).read_text()), int((folder / peak).read_text()), int(kills)


def main(port: str, projects: str, tokens: str, pid: str, limit: str) -> None:
    project, smoke.TOKEN = json.loads(projects)[0], json.loads(tokens)[0]["token"]
    address = f"http://127.0.0.1:{port}"
    send(address, project["project_tokens"][0])
    ask(address, project["id"])
    allowed, peak, kills = read(int(pid))
    if allowed != int(limit) or kills or peak >= allowed:
        sys.exit(f"under_limits: of {allowed:,} bytes (expected {limit}) {peak:,} were used, {kills} processes were killed")
    print(
        f"under_limits: {EVENTS:,} events and a funnel took {peak / 2**20:.0f} of {allowed / 2**20:.0f} MiB, cached files included"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
