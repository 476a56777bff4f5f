"""No secret is written to the server's log, and none but its owner is shown one again."""

from http_rig import Api, Running, event, running

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
