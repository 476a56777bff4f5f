"""The pipelines of docs/ci.md, step by step in a shell: what is planned passes, and what isn't stops the job.

What installs is left out, `make test` sends events as a test would, and the port is a free one.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ci.md"
EXAMPLE = re.compile(r"<!-- ci-example: ([\w-]+) -->\n```yaml\n(.*?)```", re.DOTALL)
PLAN = "events:\n  purchase:\n    properties:\n      amount: {type: number, required: true}\n"


def steps(name: str) -> list[str]:
    """The shell's part of an example."""
    content: dict[str, Any] = yaml.safe_load(dict(EXAMPLE.findall(PAGE.read_text()))[name])
    if name == "github":
        return [step["run"] for step in content["jobs"]["test"]["steps"] if "run" in step]
    script: list[str] = content["test"]["script"]
    return script


def run(name: str, amount: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Each step as the service runs it: GitHub begins a shell for each, and what one left in the background goes on; GitLab has one shell."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (folder / "events.yml").write_text(PLAN)
    sent = f'{{"projectToken": "sv_pub_dev", "events": [{{"event": "purchase", "userId": "ann", "properties": {{"amount": {amount}}}}}]}}'
    send = f"curl --silent --fail http://127.0.0.1:{port}/api/v1/ingest/events -H 'Content-Type: application/json' -d '{sent}'"
    where = {"SV_PORT": str(port), "SV_URL": f"http://127.0.0.1:{port}", "SV_API_TOKEN": "sv_dev"}
    mine = [
        step.replace("make test", send).replace(":8000", f":{port}") for step in steps(name) if not step.startswith("pip install")
    ]
    shells = mine if name == "github" else ["\n".join(mine)]
    try:
        for shell in shells:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", f"trap 'jobs -p >> servers' EXIT\n{shell}"],
                cwd=folder,
                env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "NO_PROXY": "*"} | where,
                capture_output=True,
                text=True,
                timeout=120,
            )
            if done.returncode != 0:
                break
    finally:
        for pid in map(int, (folder / "servers").read_text().split()):
            os.kill(pid, signal.SIGTERM)
    return done


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_pipeline_passes_with_the_planned_events(name: str, tmp_path: Path) -> None:
    done = run(name, "9.5", tmp_path)
    assert done.returncode == 0, (done.stdout, done.stderr, (tmp_path / "sv.log").read_text())
    assert "as planned: 1 event held against events.yml" in done.stdout


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_pipeline_stops_at_an_event_that_is_not_as_planned(name: str, tmp_path: Path) -> None:
    stopped = run(name, '"9.5"', tmp_path)
    assert stopped.returncode != 0
    assert "expected number, got string" in stopped.stdout


def test_every_pipeline_of_the_page_is_run() -> None:
    in_containers = {"compose", "github-service", "gitlab-service"}  # by test_http_containers.py
    assert {name for name, _ in EXAMPLE.findall(PAGE.read_text())} == {"github", "gitlab"} | in_containers
