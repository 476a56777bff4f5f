"""Who may ask what: every route of the application with every kind of credential, so that a new route can't be forgotten."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from http_rig import INGEST, Api, Running, body_of, event
from litestar import Litestar, get
from recordings_rig import INGEST_RECORDINGS, OBJECTS

from sv.model.access import Scope
from sv.web.permissions import ADMIN, Permission, check_permission, permission_of
from tests.http.openapi.cookies_rig import Cookies
from tests.http.openapi.openapi_rig import PATH_VALUES, Route, check_answer, routes
from tests.http.status_codes import STATUS_CODES

AFAR = {"X-Forwarded-For": "203.0.113.7"}
RANK = [Scope.READ, Scope.WRITE, Scope.ADMIN]


class Credential(NamedTuple):
    """An Authorization header, "{name}" in it standing for a secret, and what it is worth: nothing, or a scope, in one project or in
    all (None). cookie: the secret of a login session, likewise; a user known by one may have a part in no project."""

    header: str | None
    scope: Scope | None = None
    project: str | None = None
    cookie: str | None = None
    is_known: bool = True


CREDENTIALS = {
    "none": Credential(None),
    "an empty header": Credential(""),
    "no scheme": Credential("sv_dev"),
    "a scheme alone": Credential("Bearer"),
    "another scheme": Credential("Basic c3ZfZGV2OnN2X2Rldg=="),
    "two tokens": Credential("Bearer sv_dev sv_dev"),
    "an unknown token": Credential("Bearer sv_nobody"),
    "a token's start": Credential("Bearer sv_de"),
    "a token in capitals": Credential("Bearer SV_DEV"),
    "a project token": Credential("Bearer sv_pub_dev"),
    "an expired token": Credential("Bearer {expired}"),
    "a revoked token": Credential("Bearer {revoked}"),
    "a token for another project": Credential("Bearer {for another project}", Scope.ADMIN, "other"),
    "a token to read": Credential("Bearer {read}", Scope.READ, "dev"),
    "a token to write": Credential("Bearer {write}", Scope.WRITE, "dev"),
    "an administrator's token": Credential("Bearer {admin}", Scope.ADMIN, "dev"),
    "a token to read all projects": Credential("Bearer {read all projects}", Scope.READ),
    "a token to write all projects": Credential("Bearer {write all projects}", Scope.WRITE),
    "a token to administer all": Credential("Bearer {admin of all projects}", Scope.ADMIN),
    "a token that will expire": Credential("Bearer {expiring}", Scope.ADMIN),
    "the scheme in small letters": Credential("bearer sv_dev", Scope.ADMIN),
    "a viewer's cookie": Credential(None, Scope.READ, "dev", "viewer"),
    "an editor's cookie": Credential(None, Scope.WRITE, "dev", "editor"),
    "a project administrator's cookie": Credential(None, Scope.ADMIN, "dev", "admin"),
    "another project's administrator's cookie": Credential(None, Scope.ADMIN, "other", "elsewhere"),
    "the cookie of a user without a part in anything": Credential(None, None, None, "nobody"),
    "an instance administrator's cookie": Credential(None, Scope.ADMIN, None, "root"),
    "a cookie that ended by age": Credential(None, cookie="old", is_known=False),
    "a cookie that lay idle": Credential(None, cookie="idle", is_known=False),
    "a cookie that was logged out": Credential(None, cookie="gone", is_known=False),
    "an unknown cookie": Credential(None, cookie="made up", is_known=False),
    "a deleted user's cookie": Credential(None, cookie="deleted", is_known=False),
    "a reader's token beside an administrator's cookie": Credential("Bearer {read}", Scope.READ, "dev", "root"),
    "a revoked token beside an administrator's cookie": Credential("Bearer {revoked}", cookie="root"),
}


def refusal(permission: Permission, credential: Credential, *, is_here: bool) -> int | None:
    """The status that the route must answer, or None where it must let the caller through."""
    if permission.credential == "signed URL":
        return 403  # these aren't signed, and nothing else opens them
    if not permission.is_asked or (permission.is_open_here and is_here):
        return None
    is_cookie = credential.header is None and credential.cookie is not None
    if not (is_cookie and credential.is_known) and credential.scope is None:
        return 401
    if permission.scope is None:
        return None if is_cookie else 403
    if credential.scope is None:
        return 403
    if permission.place != "somewhere" and credential.project not in (None, "dev" if permission.place == "project" else None):
        return 403
    return None if RANK.index(credential.scope) >= RANK.index(permission.scope) else 403


@pytest.fixture(scope="module")
def stranger(server: Running) -> Iterator[httpx.Client]:
    """A client without credentials of its own."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def ask(stranger: httpx.Client, route: Route, headers: dict[str, str]) -> httpx.Response:
    """The route, with nothing but its path and these headers right. Who may delete projects is shown one that isn't there."""
    body = {} if route.method != "GET" else None
    values = PATH_VALUES | ({"project_id": "nowhere"} if route.handler.operation_id == "delete_project" else {})
    stranger.cookies.clear()
    return stranger.request(route.method, route.path.format(**values), headers=headers, json=body)


def expect_of(full: Api, stranger: httpx.Client, tokens: dict[str, str], cookies: Cookies, route: Route, name: str) -> None:
    """Ask the route with one credential, from here and, where that matters, from afar. Fails unless the answers are as its permission says."""
    permission, credential = permission_of(route.handler), CREDENTIALS[name]
    for is_here in (True, False) if permission.is_open_here else (True,):
        headers = {} if credential.header is None else {"Authorization": credential.header.format(**tokens)}
        if credential.cookie is not None:
            headers |= {
                "Cookie": f"sv_session={cookies.secret(credential.cookie, is_read=route.method == 'GET')}",
                "Origin": full.server.url,
            }
        answer = ask(stranger, route, headers if is_here else headers | AFAR)
        expected = refusal(permission, credential, is_here=is_here)
        if expected is None:
            assert answer.status_code not in (401, 403)
        else:
            assert answer.status_code == expected
            assert answer.json()["code"] == STATUS_CODES[expected]
        check_answer(str(route.handler.operation_id), answer)


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_a_route_lets_in_whom_its_permission_names_and_nobody_else(
    full: Api, stranger: httpx.Client, tokens: dict[str, str], cookies: Cookies, route: Route
) -> None:
    """One test a route, since a test for each credential would be thousands; all credentials are tried before it fails."""
    wrong: dict[str, str] = {}
    for name in CREDENTIALS:
        try:
            expect_of(full, stranger, tokens, cookies, route, name)
        except Exception as error:  # whatever is wrong with an answer, the others are looked at too
            wrong[name] = f"{type(error).__name__}: {error}"
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


def test_the_table_would_notice_a_route_open_to_all() -> None:
    """Every route but these asks for an API token or a login session: who adds one here has thought about it."""
    open_to_all = {route.path for route in routes() if not permission_of(route.handler).is_asked}
    assert open_to_all == {
        INGEST,
        "/api/v1/ingest/config",
        "/healthz",
        "/schema",
        INGEST_RECORDINGS,
        f"{OBJECTS}{{key}}",
        "/api/v1/auth/login",
    }


def test_a_route_without_a_permission_answers_nobody() -> None:
    @get("/forgotten")
    async def forgotten() -> str:
        return "a secret"

    async def status() -> int:
        transport = httpx.ASGITransport(Litestar([forgotten], guards=[check_permission]), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return (await client.get("/forgotten")).status_code

    assert asyncio.run(status()) == 500


def test_a_permission_to_administer_is_asked_of_the_whole_instance() -> None:
    assert (ADMIN.scope, ADMIN.place) == (Scope.ADMIN, "instance")


def test_whether_another_project_exists_is_not_told(full: Api, tokens: dict[str, str]) -> None:
    def refused(project: str) -> Any:
        headers = {"Authorization": f"Bearer {tokens['for another project']}"}
        answer = full.http.get(f"/api/v1/projects/{project}/events", headers=headers)
        return answer.status_code, answer.json()["error"].replace(project, "…")

    assert refused("dev") == refused("nowhere")
    assert refused("dev")[0] == 403


@pytest.mark.parametrize("token", ["sv_pub_nobody", "sv_dev", "", "sv_pub_DEV", " sv_pub_dev"])
def test_ingest_takes_live_project_tokens_alone(full: Api, token: str) -> None:
    answer = full.http.post(INGEST, json=body_of([event()], token), headers={"Authorization": "Bearer sv_dev"})
    assert answer.status_code == 401
    check_answer("ingest_events", answer)


def test_events_of_one_project_are_in_no_answer_to_another(api: Api, tokens: dict[str, str]) -> None:
    api.send(event("secret", "ann", properties={"plan": "pro"}))
    (mine,) = api.listed()
    headers = {"Authorization": f"Bearer {tokens['for another project']}"}
    other = "/api/v1/projects/other"
    assert api.http.get(f"{other}/events", headers=headers).json()["data"] == []
    assert api.http.get(f"{other}/events/{mine['id']}", headers=headers).status_code == 404
    assert api.http.get(f"{other}/persons", headers=headers).json()["data"] == []
    assert api.http.get(f"{other}/persons/ann", headers=headers).status_code == 404
    assert api.http.get(f"{other}/persons/ann/events", headers=headers).status_code == 404
    body = {"events": [{"name": "secret"}], "date_from": "2025-01-01", "date_to": "2025-12-31", "breakdown": "plan"}
    assert api.http.post(f"{other}/insights/trends", json=body, headers=headers).json()["series"] == []
    funnel = {"steps": [{"event": "secret"}, {"event": "secret"}], "date_from": "2025-01-01", "date_to": "2025-12-31"}
    assert api.http.post(f"{other}/insights/funnel", json=funnel, headers=headers).json()["steps"][0]["count"] == 0
