"""`sv user`, `sv project` and `sv token` beside a running server: it goes by what they changed at the next request, and all is in the trail."""

import json
import sys
from typing import Any
from uuid import uuid4

import httpx
import pytest
from http_rig import Api

from tests import forked

PASSWORD = "correct horse battery"
DAYS = [
    ("nan", "nan"),
    ("inf", "inf"),
    ("1e12", "1000000000000"),
    ("5000000", "5000000"),
    ("0", "0"),
    ("-5", "-5"),
    ("1e-300", "1e-300"),
]
"""For which no token can be good, and how that is said."""


def sv(api: Api, *arguments: str, stdin: str = "") -> Any:
    done = forked.run(
        [sys.executable, "-m", "sv", *arguments, "--json", "--data", api.server.ready["data"]], check=True, stdin=stdin, text=True
    )
    return json.loads(done.stdout)


def refusal(api: Api, *arguments: str, stdin: str = "") -> str:
    done = forked.run([sys.executable, "-m", "sv", *arguments, "--data", api.server.ready["data"]], stdin=stdin, text=True)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def login(api: Api, email: str, password: str) -> int:
    with httpx.Client(base_url=api.server.url, trust_env=False) as browser:
        return browser.post("/api/v1/auth/login", json={"email": email, "password": password}).status_code


def test_a_user_made_by_command_logs_in_and_every_change_counts_at_once(api: Api) -> None:
    email = f"{uuid4().hex}@example.com"
    (made,) = sv(api, "user", "create", email, "--role", "dev=viewer")
    assert made["memberships"] == [{"project_id": "dev", "role": "viewer"}]
    with httpx.Client(base_url=api.server.url, trust_env=False, headers={"Origin": api.server.url}) as browser:
        asked = browser.post("/api/v1/auth/login", json={"email": email, "password": made["password"]})
        assert asked.status_code == 200
        assert browser.get(api.path("events")).status_code == 200
        sv(api, "user", "role", email, "dev", "none")
        assert browser.get(api.path("events")).status_code == 403
        (changed,) = sv(api, "user", "password", email, "--stdin", stdin=f"{PASSWORD}\n")
        assert changed["password"] is None
        assert browser.get("/api/v1/auth/me").status_code == 401
    assert [login(api, email, each) for each in (made["password"], PASSWORD)] == [401, 200]
    assert email in [each["email"] for each in sv(api, "user", "list")]
    sv(api, "user", "delete", email)
    assert login(api, email, PASSWORD) == 401
    told = api.http.get("/api/v1/audit", params={"limit": 5}).json()["data"]
    assert [(each["actor"]["kind"], each["action"]) for each in told] == [
        ("cli", "user.delete"),
        ("cli", "user.password"),
        ("cli", "member.remove"),
        ("cli", "member.add"),
        ("cli", "user.create"),
    ]
    assert made["password"] not in json.dumps(told)


def test_a_project_is_set_up_rotated_and_deleted_by_command(api: Api) -> None:
    (made,) = sv(api, "project", "create", "By command")
    path = f"/api/v1/projects/{made['id']}"
    (settings,) = sv(api, "project", "settings", made["id"], "--set", "event_retention_days=30", "--set", "identity=merged")
    assert (
        settings["settings"].items()
        >= {"identity": "merged", "event_retention_days": 30, "recording_retention_days": None}.items()
    )
    assert api.http.get(path).json()["settings"] == settings["settings"]
    (rotated,) = sv(api, "project", "rotate-token", made["id"], "--overlap-hours", "1")
    tokens = [each["token"] for each in api.http.get(path).json()["project_tokens"]]
    assert tokens == [rotated["project_token"], made["project_token"]]
    assert "--yes" in refusal(api, "project", "delete", made["id"])
    sv(api, "project", "delete", made["id"], "--yes")
    assert api.http.get(path).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("user", "create", "no address"), "email"),
        (("user", "create", "dev@localhost"), "exists already"),
        (("user", "create", "x@example.com", "--role", "dev=owner"), "--role"),
        (("user", "role", "dev@localhost"), "--instance-admin"),
        (("user", "delete", "nobody@example.com"), "no user"),
        (("user", "password", "dev@localhost", "--stdin"), "password"),
        (("project", "settings", "dev", "--set", "colour=red"), "colour"),
        (("project", "rotate-token", "dev", "--overlap-hours", "721"), "720"),
        (("token", "revoke", "nothing"), "no API token"),
        *((("token", "create", "x", "--days", days), f"got {told} (--days)") for days, told in DAYS),
    ],
)
def test_what_can_not_be_is_refused_in_words(api: Api, arguments: tuple[str, ...], told: str) -> None:
    assert told in refusal(api, *arguments)


@pytest.mark.parametrize("command", ["user", "project", "token"])
def test_the_help_of_a_command_has_an_example(command: str) -> None:
    done = forked.run([sys.executable, "-m", "sv", command, "--help"], check=True, text=True)
    assert f"sv {command} create" in done.stdout
