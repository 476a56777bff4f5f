"""No secret is written to the server's log, and none but its owner is shown one again."""

import sys
from pathlib import Path

from http_rig import Api, Running, event, running

from tests import forked

AUTH = "/api/v1/auth"


def test_a_session_of_all_kinds_leaves_no_secret_in_the_log_and_none_in_what_is_listed() -> None:
    server: Running
    with running("dev", "--log-level", "debug") as server, Api(server) as api:
        password, other = "correct horse battery", "staple of horses"
        made = api.http.post("/api/v1/users", json={"email": "ann@example.com", "password": password}).json()
        generated = api.http.post("/api/v1/users", json={"email": "bob@example.com"}).json()["password"]
        token = api.http.post("/api/v1/api_tokens", json={"name": "t", "scopes": ["admin"]}).json()["token"]
        secrets = [password, other, generated, token]
        with Api(server, token=None) as browser:
            browser.http.headers["Origin"] = server.url
            browser.http.post(f"{AUTH}/login", json={"email": "ann@example.com", "password": "wrong-" + password})
            browser.http.post(f"{AUTH}/login", json={"email": password, "password": 7})
            browser.http.post(f"{AUTH}/login", json={"email": "ann@example.com", "password": password})
            secrets.append(browser.http.cookies["sv_session"])
            for body in (
                {"current_password": other, "new_password": password},
                {"current_password": password, "new_password": other},
            ):
                browser.http.post(f"{AUTH}/password", json=body)
            assert browser.http.get(f"{AUTH}/me").status_code == 200
            browser.http.get(f"{AUTH}/sessions")
            browser.http.post(f"{AUTH}/logout")
        api.http.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})
        api.http.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}x"})
        api.http.get(f"/api/v1/projects/{token}", params={"token": token})
        api.send(event())
        listed = "".join(
            api.http.get(path).text
            for path in ("/api/v1/audit", "/api/v1/users", "/api/v1/api_tokens", f"/api/v1/users/{made['id']}", "/metrics")
        )
        lines = list(server.lines)
    for secret in secrets:
        assert secret not in listed
        assert not [line for line in lines if secret in line]


GIVEN = "sv_given" + "Z9-_" * 10
OTHER = "sv_other" + "Z9-_" * 10


def test_tokens_that_the_first_start_is_given_open_it_and_the_api_token_is_shown_nowhere(tmp_path: Path) -> None:
    given = {"SV_FIRST_API_TOKEN": GIVEN, "SV_FIRST_PROJECT_TOKEN": "sv_pub_" + "p" * 20, "SV_DATA": str(tmp_path / "data")}
    server = Running("serve", "--log-level", "debug", environment=given)
    try:
        with Api(server, server.ready["project_id"], GIVEN, given["SV_FIRST_PROJECT_TOKEN"]) as api:
            api.send(event())
            listed = "".join(api.http.get(path).text for path in (api.path("events"), "/api/v1/api_tokens", "/api/v1/audit"))
        server.process.terminate()
        assert server.process.stdout is not None
        said = server.told + server.process.stdout.read()
    finally:
        server.stop()
    assert '"view"' in listed
    assert "\n  API token      as it was given   for the query API" in said
    assert "SV_API_TOKEN=$SV_FIRST_API_TOKEN sv tail" in said
    shown = [said, listed, *server.lines, sv(given, "config"), sv(given, "config", "--json")]
    assert [text for text in shown if GIVEN in text] == []
    with running("serve", "--json", environment=given | {"SV_FIRST_API_TOKEN": OTHER}) as later, Api(later, token=None) as api:
        assert later.ready.keys() == {"url", "data"}
        for token, status in ((GIVEN, 200), (OTHER, 401)):
            assert api.http.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"}).status_code == status
    server = Running("serve", "--json", environment=given | {"SV_DATA": str(tmp_path / "new")})
    server.stop()
    assert (server.ready["project_token"], server.ready["api_token"]) == (given["SV_FIRST_PROJECT_TOKEN"], None)


def test_a_token_that_is_given_and_could_be_guessed_stops_the_start_and_is_not_shown(tmp_path: Path) -> None:
    given = {"SV_FIRST_API_TOKEN": "sv_hunter2", "SV_DATA": str(tmp_path / "data")}
    said = sv(given, "serve", expected=2)
    assert "SV_FIRST_API_TOKEN: expected sv_ (not sv_pub_) and 40 to 200 letters" in said
    assert "hunter2" not in said
    assert not (tmp_path / "data").exists()


def sv(environment: dict[str, str], *words: str, expected: int = 0) -> str:
    """All that a command says."""
    done = forked.run([sys.executable, "-m", "sv", *words], env=environment, text=True)
    assert done.returncode == expected, done.stderr
    return str(done.stdout + done.stderr)
