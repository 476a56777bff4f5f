"""The credentials of `sv dev` never change: whatever is done to them is put right by a reset and by a start."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import INGEST, Api, Running, body_of, event, running

from sv.cli.credentials import dev_credentials
from sv.meta.errors import FolderFault
from sv.server import Server
from sv.settings import Settings

SV = (sys.executable, "-m", "sv")
LOGIN = {"email": "dev@localhost", "password": "dev"}


def works(api: Api) -> dict[str, Any]:
    """What each of the credentials opens: a status, and whether the login may do everything."""
    login = httpx.post(f"{api.server.url}/api/v1/auth/login", json=LOGIN, trust_env=False)
    return {
        "project": api.http.get(api.path("")).status_code,
        "project token": api.http.post(INGEST, json=body_of([event()])).status_code,
        "API token": api.http.get("/api/v1/users").status_code,
        "login": login.status_code,
        "administers": login.status_code == 200 and login.json()["user"]["is_instance_admin"],
    }


ALL = {"project": 200, "project token": 202, "API token": 200, "login": 200, "administers": True}


def dev_user(api: Api) -> str:
    (found,) = [user["id"] for user in api.http.get("/api/v1/users").json()["data"] if user["email"] == LOGIN["email"]]
    return str(found)


def end_the_project_token(api: Api) -> None:
    api.http.post(api.path("rotate_token"), json={"overlap_hours": 0}).raise_for_status()


def end_the_api_token(api: Api) -> None:
    (token,) = [token["id"] for token in api.http.get("/api/v1/api_tokens").json()["data"] if token["prefix"] == "sv_dev"]
    api.http.delete(f"/api/v1/api_tokens/{token}").raise_for_status()


def change_the_password(api: Api) -> None:
    api.http.patch(f"/api/v1/users/{dev_user(api)}", json={"password": "another one"}).raise_for_status()


def take_the_login_s_rights(api: Api) -> None:
    another_administrator(api)
    api.http.patch(f"/api/v1/users/{dev_user(api)}", json={"is_instance_admin": False}).raise_for_status()


def delete_the_login(api: Api) -> None:
    another_administrator(api)
    api.http.delete(f"/api/v1/users/{dev_user(api)}").raise_for_status()


def another_administrator(api: Api) -> None:
    answer = api.http.post("/api/v1/users", json={"email": "other@localhost", "is_instance_admin": True})
    assert answer.status_code in (201, 409)


HARMS = [end_the_project_token, end_the_api_token, change_the_password, take_the_login_s_rights, delete_the_login]


def spare_token(api: Api) -> str:
    """An administrator's, for when the usual one is gone."""
    answer = api.http.post("/api/v1/api_tokens", json={"name": "spare", "scopes": ["admin"]})
    return str(answer.json()["token"])


@pytest.fixture(scope="module")
def own_server() -> Iterator[Running]:
    with running("dev") as started:
        yield started


@pytest.mark.parametrize("harm", HARMS)
def test_a_reset_puts_them_right(own_server: Running, harm: Callable[[Api], None]) -> None:
    with Api(own_server) as api:
        spare = spare_token(api)
        harm(api)
        assert works(api) != ALL
        assert httpx.post(f"{own_server.url}/api/v1/dev/reset", headers={"Authorization": f"Bearer {spare}"}).status_code == 204
        assert works(api) == ALL


def test_a_project_token_that_has_yet_to_end_does_not(own_server: Running) -> None:
    """A day later, which no test waits for, the token would be gone."""
    with Api(own_server) as api:
        api.http.post(api.path("rotate_token"), json={}).raise_for_status()
        api.reset()
        tokens = api.http.get(api.path("")).json()["project_tokens"]
        assert {token["token"]: token["expires_at"] for token in tokens}["sv_pub_dev"] is None


def test_a_start_puts_them_right(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        delete_the_login(api)
        end_the_project_token(api)
        end_the_api_token(api)
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        assert works(api) == ALL


def test_a_folder_without_its_project_says_what_to_do(tmp_path: Path) -> None:
    """A command of an earlier release may have deleted it, while no server ran."""
    with running("dev", "--data", str(tmp_path)):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "sv.db")) as catalog, catalog:
        catalog.execute("update projects set deleted_ms = 1 where id = 'dev'")
    started = subprocess.run([*SV, "dev", "--port", "0", "--data", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert started.returncode == 1
    assert "was deleted" in started.stderr and "choose another folder with --data" in started.stderr


def test_a_folder_that_does_not_say_who_made_it_says_what_to_do(tmp_path: Path) -> None:
    """Its `sv.db` was made anew: it may be one of `sv serve`, and nobody's to be opened to everybody."""
    server = Server(Settings(data=tmp_path), is_dev=True)
    server.open()
    try:
        server.projects.create("dev", token="sv_pub_made_anew", now_ms=1, project_id="dev")
        with pytest.raises(
            FolderFault, match=r"made anew by `sv check --repair` .* start it with `sv serve`, after `sv user create`"
        ):
            dev_credentials(server)
    finally:
        server.close()


def test_its_project_is_not_deleted_by_a_command_either(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)):
        pass
    words = [*SV, "project", "delete", "dev", "--yes", "--data", str(tmp_path)]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "is the one that `sv dev` always has" in refused.stderr


def test_its_project_is_not_deleted(own_server: Running) -> None:
    with Api(own_server) as api:
        answer = api.http.delete(api.path(""))
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
        assert '"dev"' in answer.json()["error"] and "(project_id)" in answer.json()["error"]
        made = api.http.post("/api/v1/projects", json={"name": "another"}).json()["id"]
        assert api.http.delete(f"/api/v1/projects/{made}").status_code == 204
        assert works(api)["project"] == 200
