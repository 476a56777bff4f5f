"""The containers of docs/ci.md, as far as a machine without a container service can show them.

What is said of the image is compared with the Dockerfile, and commands run here with the environment that the image gives them: the composed
server's, and the steps of the pipelines with a service. In GitHub's `docker exec` is a script that runs the command on the server's folder and `jq` one
that follows a path. `.ci/image-check` runs the image itself.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import httpx
import yaml
from docs_rig import ROOT
from http_rig import INGEST, body_of, event

EXAMPLE = re.compile(r"<!-- ci-example: ([\w-]+) -->\n```yaml\n(.*?)```", re.DOTALL)
PAGE = (ROOT / "docs" / "ci.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PLAN = "events:\n  purchase:\n    properties:\n      amount: {type: number, required: true}\n"
DOCKER = """#!/bin/sh
if [ "$1 $2 $3 $4" = "exec --interactive --env SV_API_TOKEN" ]; then shift 4; else shift 1; unset SV_API_TOKEN; exec </dev/null; fi
[ "$1 $2" = "the-container sv" ] || { echo "what is docker ... $*?" >&2; exit 125; }
shift 2
exec env SV_DATA="$FOLDER" PYTHON -m sv "$@"
"""
JQ = """#!/bin/sh
[ "$1" = -r ] || exit 2
exec PYTHON -c 'import functools, json, re, sys
path = re.findall(r"[A-Za-z_]+|[0-9]+", sys.argv[1])
print(functools.reduce(lambda at, key: at[int(key)] if key.isdigit() else at[key], path, json.load(sys.stdin)))' "$2"
"""


def example(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(dict(EXAMPLE.findall(PAGE))[name])
    return parsed


def image_environment() -> dict[str, str]:
    (line,) = re.findall(r"^ENV (.*SV_DATA.*)$", DOCKERFILE, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in line.split() if pair.startswith("SV_"))


class Server:
    """`sv ARGUMENTS` as the image would run it, on a free port; what it says of itself."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sv", *arguments, "--json"],
            env={"PATH": "/usr/bin:/bin", "SV_PORT": "0", **environment},
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> dict[str, str]:
        assert self.process.stdout is not None
        said: dict[str, str] = json.loads(self.process.stdout.readline())
        return said

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_what_the_examples_say_of_the_image_is_so() -> None:
    own = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]["sv"]
    composed = example("compose")["services"]["analytics"]
    service = example("github-service")["jobs"]["test"]["services"]["analytics"]
    (hosted,) = example("gitlab-service")["test"]["services"]
    assert hosted["name"] == service["image"]
    assert composed["image"] == own["image"] == service["image"].split("/")[-1].partition(":")[0]
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert [ports.partition(":")[2] for ports in service["ports"]] == [exposed]
    assert (composed["read_only"], composed["tmpfs"], composed["cap_drop"]) == (own["read_only"], own["tmpfs"], own["cap_drop"])
    assert example("gitlab-service")["test"]["variables"]["SV_URL"] == f"http://{hosted['alias']}:{exposed}"
    assert service["options"] == f"--read-only --tmpfs {own['tmpfs'][0]} --cap-drop {own['cap_drop'][0]}"
    assert "healthcheck" not in composed
    assert re.search(r"^HEALTHCHECK ", DOCKERFILE, re.MULTILINE)
    assert example("compose")["services"]["tests"]["network_mode"] == "service:analytics"
    assert example("compose")["services"]["tests"]["depends_on"] == {"analytics": {"condition": "service_healthy"}}


def health_check() -> list[str]:
    """The image's, with this Python."""
    (found,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
    return [sys.executable, *json.loads(found)[1:]]


def test_the_image_is_healthy_whether_a_variable_a_flag_or_a_file_says_the_port(tmp_path: Path) -> None:
    environment = image_environment() | {"SV_DATA": str(tmp_path / "data")}
    settings = tmp_path / "sv.toml"
    settings.write_text("port = 0\nhost = '127.0.0.2'\n")
    elsewhere = {name: value for name, value in environment.items() if name != "SV_HOST"} | {"SV_CONFIG": str(settings)}

    def is_healthy(given: dict[str, str]) -> bool:
        return subprocess.run(health_check(), env=given, stderr=subprocess.DEVNULL, check=False).returncode == 0

    for arguments, given in (
        (["serve"], environment),
        (["serve", "--port", "0"], environment | {"SV_PORT": "1"}),
        (["serve"], elsewhere),
    ):
        with Server(arguments, given) as said:
            assert is_healthy(given)
            port = said["url"].rpartition(":")[2]
            assert is_healthy(environment | {"SV_DATA": str(tmp_path / "other"), "SV_PORT": port}) is ("SV_HOST" in given)
        assert not is_healthy(given)


def test_the_composed_server_takes_events_with_the_credentials_of_sv_dev_and_keeps_nothing_but_in_tmp(tmp_path: Path) -> None:
    service = example("compose")["services"]["analytics"]
    assert re.search(r'^ENTRYPOINT \["sv"\]$', DOCKERFILE, re.MULTILINE)
    assert service["environment"]["SV_DATA"].startswith(f"{service['tmpfs'][0]}/")
    environment = image_environment() | service["environment"] | {"SV_DATA": str(tmp_path / "data")}
    with Server(shlex.split(service["command"]), environment) as said:
        assert said["url"].startswith("http://127.0.0.1:")
        assert httpx.post(said["url"] + INGEST, json=body_of([event()])).status_code == 202


def test_the_pipeline_with_a_service_learns_its_tokens_sends_and_holds_the_events_against_the_plan(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name, text in (("docker", DOCKER), ("jq", JQ)):
        (tmp_path / "bin" / name).write_text(text.replace("PYTHON", sys.executable))
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "events.yml").write_text(PLAN)
    job = example("github-service")["jobs"]["test"]
    with Server(["serve"], image_environment() | {"SV_DATA": str(tmp_path / "data"), "SV_HOST": "127.0.0.1"}) as said:
        url = said["url"]
        script = "\n".join(
            f'{step["run"]}\nif [ -f "$GITHUB_ENV" ]; then set -a; . "$GITHUB_ENV"; set +a; fi'
            for step in job["steps"]
            if "run" in step
        )

        def run(amount: str) -> "subprocess.CompletedProcess[str]":
            purchase = f'{{"event": "purchase", "userId": "ann", "properties": {{"amount": {amount}}}}}'
            send = f"""curl --silent --fail {url}{INGEST} -H 'Content-Type: application/json' --data-binary @- <<END
{{"projectToken": "$PROJECT_TOKEN", "events": [{purchase}]}}
END
"""
            variables = {
                "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
                "NO_PROXY": "*",
                "GITHUB_ENV": str(tmp_path / "env"),
            }
            return subprocess.run(
                [
                    "bash",
                    "-e",
                    "-c",
                    script.replace("make test", send).replace("${{ job.services.analytics.id }}", "the-container"),
                ],
                cwd=tmp_path,
                env=variables | {"FOLDER": str(tmp_path / "data")},
                capture_output=True,
                text=True,
                timeout=120,
            )

        passed = run("9.5")
        assert passed.returncode == 0, (passed.stdout, passed.stderr)
        assert "as planned: 1 event held against /dev/stdin" in passed.stdout
        stopped = run('"9.5"')
        assert stopped.returncode == 1
        assert "expected number, got string" in stopped.stdout


def test_the_pipeline_with_a_service_that_is_told_its_tokens_sends_and_holds_the_events_against_the_plan(tmp_path: Path) -> None:
    commands = dict(re.findall(r'`(echo "sv_[^`]+)`\s+for `(\w+)`', PAGE.replace("\n", " ")))
    project = {name: bash(command, tmp_path, {}).stdout.strip() for command, name in commands.items()}
    assert project.keys() == {"ANALYTICS_PROJECT_TOKEN", "ANALYTICS_API_TOKEN"}
    (tmp_path / "events.yml").write_text(PLAN)
    job = example("gitlab-service")["test"]
    (service,) = job["services"]
    told = {name: Template(value).substitute(project) for name, value in service["variables"].items()}
    with Server(["serve"], image_environment() | told | {"SV_DATA": str(tmp_path / "data"), "SV_HOST": "127.0.0.1"}) as said:
        assert (said["project_token"], said["api_token"]) == (project["ANALYTICS_PROJECT_TOKEN"], None)
        variables = {name: Template(value).substitute(project) for name, value in job["variables"].items()} | {
            "SV_URL": said["url"]
        }
        send = """curl --silent --fail $SV_URL/api/v1/ingest/events -H 'Content-Type: application/json' --data-binary @- <<END
{"projectToken": "$ANALYTICS_PROJECT_TOKEN", "events": [{"event": "purchase", "userId": "ann", "properties": {"amount": 9.5}}]}
END
"""
        script = "\n".join(step for step in job["script"] if not step.startswith("pip install ")).replace("make test", send)
        passed = bash(script, tmp_path, project | variables)
        assert passed.returncode == 0, (passed.stdout, passed.stderr)
        assert "as planned: 1 event held against events.yml" in passed.stdout


def bash(script: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "NO_PROXY": "*"}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=path | environment, capture_output=True, text=True, timeout=120
    )
