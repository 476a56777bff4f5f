"""Requests about people, projects and tokens that get each status the document gives, in the form of `test_openapi_statuses`.

In paths `{user}`, `{token}`, `{spare}`, `{worn}` and `{login}` stand for what is made for the request: a user, a token, a project, one with as
many project tokens as can be, and a login session of the user who asks; `{dev}` is dev@localhost. `cookie`: asked with a login session, of a user with no part in any
project. `member`: dev@localhost is one of the spare project. `alone`: and the only one who administers the instance. `tries`: sent so often before.
"""

from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from http_rig import Api

Requests = dict[str, tuple[str, dict[str, Any]]]

PROJECTS = "/api/v1/projects"
USERS = "/api/v1/users"
TOKENS = "/api/v1/api_tokens"
AUTH = "/api/v1/auth"
PASSWORD = "correct horse battery"
NOBODY = {"Authorization": "Bearer sv_nobody"}
JSON = {"Content-Type": "application/json"}
LARGE = b" " * (1 << 20) + b"{}"
FOREIGN = {"token": "for another project"}
NO_PART = {"cookie": True}
EVIL = {"Origin": "https://evil.example"}


def bodied(path: str, good: str, body: dict[str, Any], bad: dict[str, Any], refused: dict[str, Any] = FOREIGN) -> Requests:
    """good: the status of the right request."""
    return {
        good: (path, {"json": body}),
        "400": (path, {"content": b"{1: 2}"}),
        "401": (path, {"json": body, "headers": NOBODY}),
        "403": (path, {"json": body, **refused}),
        "413": (path, {"content": LARGE}),
        "415": (path, {"content": b"a,b", "headers": {"Content-Type": "text/csv"}}),
        "422": (path, {"json": bad}),
    }


def bare(path: str, good: str, bad: str = "limit=1", refused: dict[str, Any] = FOREIGN) -> Requests:
    return {
        good: (path, {}),
        "400": (f"{path}?{bad}", {}),
        "401": (path, {"headers": NOBODY}),
        "403": (path, refused),
    }


def own(requests: Requests, good: str) -> Requests:
    """For what is a user's own: 403 is an API token's, all else is asked with a cookie."""
    asked = {status: (path, {**sent, "cookie": True}) for status, (path, sent) in requests.items()}
    path, sent = requests[good]
    return asked | {"401": (path, {**sent, "headers": NOBODY}), "403": (path, sent)}


WRONG = {"email": "nobody@example.com", "password": "wrong"}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": PASSWORD}
WRONG_PASSWORD = {"current_password": "wrong", "new_password": PASSWORD}
MEMBER = {"email": "dev@localhost", "role": "admin"}
NEW_USER = {"email": "{address}", "password": PASSWORD}

PEOPLE_REQUESTS: dict[str, Requests] = {
    "log_in": {
        **bodied(f"{AUTH}/login", "200", {"email": "dev@localhost", "password": "dev"}, {"email": "dev@localhost"}),
        "401": (f"{AUTH}/login", {"json": WRONG}),
        "403": (f"{AUTH}/login", {"json": WRONG, "headers": EVIL}),
        "429": (f"{AUTH}/login", {"json": WRONG, "tries": 10}),
    },
    "log_out": own(bare(f"{AUTH}/logout", "204"), "204"),
    "get_me": own(bare(f"{AUTH}/me", "200"), "200"),
    "change_password": {
        **own(bodied(f"{AUTH}/password", "204", NEW_PASSWORD, WRONG_PASSWORD), "204"),
        "429": (f"{AUTH}/password", {"json": WRONG_PASSWORD, "tries": 10, "cookie": True}),
    },
    "list_login_sessions": own(bare(f"{AUTH}/sessions", "200", "limit=0"), "200"),
    "end_login_session": {
        **own(bare(f"{AUTH}/sessions/{{login}}", "204"), "204"),
        "403": (f"{AUTH}/sessions/nothing", {}),
        "401": (f"{AUTH}/sessions/nothing", {"headers": NOBODY}),
        "404": (f"{AUTH}/sessions/nothing", {"cookie": True}),
    },
    "list_projects": bare(PROJECTS, "200", "limit=0", NO_PART),
    "create_project": {
        **bodied(PROJECTS, "201", {"name": "Another"}, {"name": 7}),
        "409": (PROJECTS, {"json": {"name": "Dev", "id": "dev"}}),
    },
    "get_project": {**bare(f"{PROJECTS}/dev", "200"), "404": (f"{PROJECTS}/nowhere", {})},
    "change_project": {
        **bodied(f"{PROJECTS}/dev", "200", {}, {"name": 7}),
        "404": (f"{PROJECTS}/nowhere", {"json": {}}),
    },
    "rotate_project_token": {
        **bodied(f"{PROJECTS}/{{spare}}/rotate_token", "200", {}, {"overlap_hours": 721}),
        "403": (f"{PROJECTS}/dev/rotate_token", {"json": {}, **FOREIGN}),
        "404": (f"{PROJECTS}/nowhere/rotate_token", {"json": {}}),
        "409": (f"{PROJECTS}/{{worn}}/rotate_token", {"json": {}}),
    },
    "delete_project": {
        **bare(f"{PROJECTS}/{{spare}}", "204"),
        "404": (f"{PROJECTS}/nowhere", {}),
        "409": (f"{PROJECTS}/dev", {}),
    },
    "list_members": {
        **bare(f"{PROJECTS}/dev/members", "200", "limit=0"),
        "404": (f"{PROJECTS}/nowhere/members", {}),
    },
    "add_member": {
        **bodied(f"{PROJECTS}/{{spare}}/members", "201", MEMBER, {"email": "dev@localhost"}),
        "403": (f"{PROJECTS}/dev/members", {"json": MEMBER, **FOREIGN}),
        "404": (f"{PROJECTS}/nowhere/members", {"json": MEMBER}),
        "409": (f"{PROJECTS}/{{spare}}/members", {"json": MEMBER, "member": True}),
    },
    "change_member": {
        **bodied(f"{PROJECTS}/{{spare}}/members/{{dev}}", "200", {"role": "editor"}, {"role": "owner"}),
        "200": (f"{PROJECTS}/{{spare}}/members/{{dev}}", {"json": {"role": "editor"}, "member": True}),
        "403": (f"{PROJECTS}/dev/members/nobody", {"json": {"role": "editor"}, **FOREIGN}),
        "404": (f"{PROJECTS}/dev/members/nobody", {"json": {"role": "editor"}}),
    },
    "remove_member": {
        **bare(f"{PROJECTS}/dev/members/nobody", "204"),
        "204": (f"{PROJECTS}/{{spare}}/members/{{dev}}", {"member": True}),
        "404": (f"{PROJECTS}/dev/members/nobody", {}),
    },
    "list_project_audit": {
        **bare(f"{PROJECTS}/dev/audit", "200", "limit=0"),
        "404": (f"{PROJECTS}/nowhere/audit", {}),
    },
    "list_audit": bare("/api/v1/audit", "200", "limit=0"),
    "list_api_tokens": bare(TOKENS, "200", "limit=0", NO_PART),
    "create_api_token": {
        **bodied(TOKENS, "201", {"name": "a token", "scopes": ["read"]}, {"name": "a token"}, NO_PART),
        "404": (TOKENS, {"json": {"name": "a token", "scopes": ["read"], "project_id": "nowhere"}}),
    },
    "revoke_api_token": {
        **bare(f"{TOKENS}/{{token}}", "204", refused=NO_PART),
        "404": (f"{TOKENS}/nothing", {}),
    },
    "list_users": bare(USERS, "200", "limit=0"),
    "create_user": {
        **bodied(USERS, "201", NEW_USER, {"email": "ann"}),
        "404": (USERS, {"json": NEW_USER | {"memberships": [{"project_id": "nowhere", "role": "viewer"}]}}),
        "409": (USERS, {"json": {"email": "dev@localhost", "password": PASSWORD}}),
    },
    "get_user": {**bare(f"{USERS}/{{dev}}", "200"), "404": (f"{USERS}/nobody", {})},
    "change_user": {
        **bodied(f"{USERS}/{{user}}", "200", {}, {"memberships": [{"project_id": "dev", "role": "owner"}]}),
        "404": (f"{USERS}/nobody", {"json": {}}),
        "409": (f"{USERS}/{{dev}}", {"json": {"is_instance_admin": False}, "alone": True}),
    },
    "delete_user": {
        **bare(f"{USERS}/{{user}}", "204"),
        "404": (f"{USERS}/nobody", {}),
        "409": (f"{USERS}/{{dev}}", {"alone": True}),
    },
}


class LoggedIn(NamedTuple):
    """The header to ask with, and the id of the login session."""

    headers: dict[str, str]
    session_id: str


def created(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def address() -> str:
    return f"{uuid4().hex}@example.com"


def log_in(api: Api, email: str = "", password: str = PASSWORD) -> LoggedIn:
    """A login session in which a page of the server's own asks; without an address, of a new user with no part in any project."""
    if not email:
        email = created(api, USERS, {"email": address(), "password": PASSWORD})["email"]
    with httpx.Client(base_url=api.server.url, trust_env=False, timeout=30) as browser:
        answer = browser.post(f"{AUTH}/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        (own,) = [each for each in browser.get(f"{AUTH}/sessions").json()["data"] if each["is_current"]]
        return LoggedIn({"Cookie": f"sv_session={browser.cookies['sv_session']}", "Origin": api.server.url}, own["id"])


def id_of(api: Api, email: str) -> str:
    (found,) = [user for user in everything(api, USERS) if user["email"] == email]
    user_id: str = found["id"]
    return user_id


def everything(api: Api, path: str) -> list[dict[str, Any]]:
    """All items of a list."""
    items: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"limit": 1000}
    while True:
        page = api.http.get(path, params=parameters).json()
        items += page["data"]
        if not page["meta"]["has_more"]:
            return items
        parameters["cursor"] = page["meta"]["next_cursor"]


def send_about_people(api: Api, method: str, path: str, sent: dict[str, Any], tokens: dict[str, str]) -> httpx.Response:
    """Make what the request speaks of, and send it."""
    spare = ""
    if "{spare}" in path or "{worn}" in path:
        spare = created(api, PROJECTS, {"name": "Spare"})["id"]
    if "{worn}" in path:
        while api.http.post(f"{PROJECTS}/{spare}/rotate_token", json={}).status_code != 409:
            pass
    if sent.get("member"):
        created(api, f"{PROJECTS}/{spare}/members", MEMBER)
    if sent.get("alone"):
        for user in everything(api, USERS):
            if user["is_instance_admin"] and user["email"] != "dev@localhost":
                assert api.http.patch(f"{USERS}/{user['id']}", json={"is_instance_admin": False}).status_code == 200
    asker = log_in(api) if sent.get("cookie") else None
    values = {
        "spare": spare,
        "worn": spare,
        "dev": id_of(api, "dev@localhost") if "{dev}" in path else "",
        "user": created(api, USERS, {"email": address(), "password": PASSWORD})["id"] if "{user}" in path else "",
        "token": created(api, TOKENS, {"name": "spare", "scopes": ["read"]})["id"] if "{token}" in path else "",
        "login": asker.session_id if asker else "",
    }
    body = sent.get("json")
    if body is not None and body.get("email") == "{address}":
        body = body | {"email": address()}
    request = api.http.build_request(method, path.format(**values), json=body, content=sent.get("content"))
    request.headers.update(JSON if "content" in sent else {})
    if asker is not None or (method == "POST" and path.endswith("/login")):
        del request.headers["Authorization"]
        request.headers.update(asker.headers if asker else {})
    if "token" in sent:
        request.headers["Authorization"] = f"Bearer {tokens[sent['token']]}"
    request.headers.update(sent.get("headers", {}))
    for _ in range(sent.get("tries", 0)):
        api.http.send(request)
    answer = api.http.send(request)
    api.http.cookies.clear()
    return answer
