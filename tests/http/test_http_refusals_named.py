"""What is refused is named: the field as the caller calls it, the value as the caller sent it, and the bound that really holds."""

import json
from typing import Any

import pytest
from http_rig import NOON, Api, event

IMPORT = "imports/0f343b0931126a20f133d67c2b018a3b"
TOKENS = "/api/v1/api_tokens"
USERS = "/api/v1/users"
PROJECTS = "/api/v1/projects"


def error_of(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["error"])


# ---- Bodies that are no JSON ----


@pytest.mark.parametrize(
    "path", ["insights/trends", "sql", f"{IMPORT}/chunks/1", "/api/v1/ingest/events", "/api/v1/ingest/recordings"]
)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "expected JSON, got nothing (body)"),
        (b" \n", "expected JSON, got nothing (body)"),
        (b'{"a"', "the body is not JSON: Input data was truncated (body)"),
    ],
)
def test_a_body_that_is_no_json_says_what_it_is(full: Api, path: str, body: bytes, said: str) -> None:
    where = path if path.startswith("/") else full.path(path)
    answer = full.http.post(where, content=body, headers={"Content-Type": "application/json"})
    assert error_of(answer, 400, "INVALID_PARAMETER") == said


def test_a_body_that_nests_too_deeply_says_so(full: Api) -> None:
    answer = full.http.post(full.path("sql"), content=b"[" * 50_000, headers={"Content-Type": "application/json"})
    assert error_of(answer, 400, "INVALID_PARAMETER") == "the body is not JSON: it nests too deeply (body)"


# ---- What isn't there ----


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/api/v1/projects/nope/events", '"nope" (project_id)'),
        ("GET", "/api/v1/projects/a%2Fb/events", '"a/b" (project_id)'),
        ("GET", f"{USERS}/nope", '"nope" (user_id)'),
        ("DELETE", f"{USERS}/nope", '"nope" (user_id)'),
        ("DELETE", f"{TOKENS}/nope", '"nope" (token_id)'),
        ("GET", "/api/v1/projects/dev/sessions/nope/recording", '"nope" (session_id)'),
    ],
)
def test_what_is_not_there_is_named_with_its_field(full: Api, method: str, path: str, named: str) -> None:
    assert error_of(full.http.request(method, path), 404, "NOT_FOUND").endswith(named)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("sv_pub_no", "unknown project token 'sv_pub_no'"),
        ("sv_pub_nobody", "unknown project token 'sv_pub_nobod…'"),
        ("sv_dev", "expected a project token (sv_pub_…), got 'sv_dev'"),
        ("sv_4Jx2mPq8sT0v", "expected a project token (sv_pub_…), got 'sv_4Jx2mPq8s…'"),
    ],
)
def test_what_is_no_project_token_is_shown_cut_only_where_it_was(full: Api, token: str, said: str) -> None:
    """Not whole, since it may be a secret in the wrong place."""
    chunk = {"sessionId": "s", "chunkIndex": 0, "sizeBytes": 1}
    answers = {
        "projectToken": [
            full.http.post("/api/v1/ingest/events", json={"projectToken": token, "events": [event()]}),
            full.http.post("/api/v1/ingest/recordings", json={"projectToken": token} | chunk),
        ],
        "token": [full.http.get("/api/v1/ingest/config", params={"token": token})],
    }
    for field, each in answers.items():
        for answer in each:
            assert error_of(answer, 401, "NOT_AUTHENTICATED") == f"{said} ({field})"


def test_a_project_token_in_the_place_of_an_api_token_is_told_apart(full: Api) -> None:
    answer = full.http.get("/api/v1/projects", headers={"Authorization": "Bearer sv_pub_dev"})
    said = "expected an API token, got a project token, which can only send events (Authorization)"
    assert error_of(answer, 401, "NOT_AUTHENTICATED") == said


# ---- Bounds ----


@pytest.mark.parametrize("path", [PROJECTS, TOKENS])
@pytest.mark.parametrize("name", ["", "  ", "x" * 101, 7])
def test_a_name_is_refused_by_its_own_bound(full: Api, path: str, name: Any) -> None:
    answer = full.http.post(path, json={"name": name, "scopes": ["read"]} if path == TOKENS else {"name": name})
    said = error_of(answer, 422, "VALIDATION_ERROR")
    assert said.startswith("name: expected a string of 1 to 100 characters, got ")


def test_a_name_of_a_hundred_characters_is_taken_with_blanks_around_it(full: Api) -> None:
    made = full.http.post(TOKENS, json={"name": f" {'x' * 100} ", "scopes": ["read"]}).json()
    assert made["name"] == "x" * 100


@pytest.mark.parametrize("project_id", ["", "UPPER", "a" * 65, 7])
def test_an_id_is_refused_by_its_own_rule(full: Api, project_id: Any) -> None:
    said = error_of(full.http.post(PROJECTS, json={"name": "x", "id": project_id}), 422, "VALIDATION_ERROR")
    assert said.startswith("id: expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit, got ")


def test_an_address_is_refused_by_what_it_is_no_address_for(full: Api) -> None:
    for email in (7, "", "ann"):
        said = error_of(full.http.post(USERS, json={"email": email}), 422, "VALIDATION_ERROR")
        assert said.startswith("email: expected an address such as ann@example.com, got ")


def test_a_token_that_would_have_ended_says_when(full: Api) -> None:
    asked = {"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00+01:00"}
    said = error_of(full.http.post(TOKENS, json=asked), 422, "VALIDATION_ERROR")
    assert said == "expires_at: expected a time in the future, got 2019-12-31T23:00:00.000Z"


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2025-01-31", "soon", 1893456000],
)
def test_a_moment_that_no_clock_here_shows_is_refused_by_name(full: Api, moment: Any) -> None:
    said = error_of(full.http.post(TOKENS, json={"name": "x", "scopes": ["read"], "expires_at": moment}), 422, "VALIDATION_ERROR")
    assert said.startswith("expires_at: expected an ISO 8601 datetime from 1970 to 9999, such as 2025-01-31T12:00:00Z, got ")
    assert str(moment) in said


def test_a_project_token_is_rotated_without_a_body(full: Api) -> None:
    made = full.http.post(PROJECTS, json={"name": "rotated"}).json()
    answer = full.http.post(f"{PROJECTS}/{made['id']}/rotate_token")
    assert answer.status_code == 200, answer.text
    assert answer.json()["project_token"] != made["project_token"]


# ---- Imports ----


@pytest.mark.parametrize("number", ["0", "-1", "+1", "1_0", "1.5", "x", "%20", "%D9%A3", "9007199254740992", "9" * 400])
def test_a_chunk_s_number_is_a_plain_number(api: Api, number: str) -> None:
    body = {"batches": [{"events": [event()]}]}
    said = error_of(api.http.post(api.path(f"{IMPORT}/chunks/{number}"), json=body), 400, "INVALID_PARAMETER")
    assert said.startswith("expected a whole number from 1 to 9,007,199,254,740,991, got ") and said.endswith(" (chunk_no)")
    assert api.http.get(api.path(IMPORT)).json()["chunks"] == []
    assert api.listed() == []


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (None, "body", "expected `object`, got `null`"),
        ([], "body", "expected `object`, got `array`"),
        ({}, "body", "object missing required field `batches`"),
        ({"batches": {}}, "batches", "expected `array`, got `object`"),
        ({"batches": [[]]}, "batches[0]", "expected `object`, got `array`"),
        ({"batches": [{"events": [], "zone": "UTC"}]}, "batches[0]", "object contains unknown field `zone`"),
        ({"batches": [{"events": [event()], "user_agent": None}]}, "batches[0].user_agent", "expected `str`, got `null`"),
        ({"batches": [], "x" * 10_000: 1}, "body", f"object contains unknown field `{'x' * 69}…"),
        ({"batches": [{"events": []}]}, "batches[0].events", "expected 1 to 2000 events, got 0"),
        ({"batches": [{"events": {}}]}, "batches[0].events", "expected a list of events, got an object of 0"),
    ],
)
def test_a_chunk_of_another_shape_names_the_field(api: Api, body: Any, field: str, said: str) -> None:
    answer = api.http.post(api.path(f"{IMPORT}/chunks/1"), content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert error_of(answer, 422, "VALIDATION_ERROR") == f"{field}: {said}"
    assert answer.json()["details"] == [{"field": field, "message": said}]
    assert api.http.get(api.path(IMPORT)).json()["chunks"] == []


# ---- Exports ----


def test_an_export_s_media_type_has_one_charset_at_most(api: Api) -> None:
    api.send(event("view", "ann", NOON))
    types = {
        form: api.http.get(api.path("events/export"), params={"format": form}).headers["content-type"]
        for form in ("ndjson", "csv", "parquet")
    }
    assert types == {
        "ndjson": "application/x-ndjson",
        "csv": "text/csv; charset=utf-8",
        "parquet": "application/vnd.apache.parquet",
    }


@pytest.mark.parametrize("rest", ["", "/plan"])
def test_an_export_s_parameters_are_refused_as_others_are(full: Api, rest: str) -> None:
    def said(query: str) -> str:
        return error_of(full.http.get(full.path(f"events/export{rest}?{query}")), 400, "INVALID_PARAMETER")

    assert said("format=") == 'format: expected one of ndjson, csv, parquet, got ""'
    assert said("format=xml") == 'format: expected one of ndjson, csv, parquet, got "xml"'
    assert said("limit=1").startswith("limit: unknown parameter; the parameters are format, ")


def test_a_token_makes_none_that_outlives_it(full: Api) -> None:
    def token(api: Api, **fields: Any) -> Any:
        return api.http.post(TOKENS, json={"name": "t", "project_id": full.project, "scopes": ["admin"], **fields})

    ends = "2100-01-01T00:00:00.000Z"
    mine = token(full, expires_at=ends).json()["token"]
    with Api(full.server, project=full.project, token=mine) as short:
        said = f"expires_at: expected a time up to {ends}, when the token that asks ends, got "
        assert error_of(token(short), 422, "VALIDATION_ERROR") == f"{said}none"
        later = "2100-01-01T00:00:00.001Z"
        assert error_of(token(short, expires_at=later), 422, "VALIDATION_ERROR") == said + later
        assert token(short, expires_at=ends).status_code == 201
