"""Every status that the document gives an operation can be had there, and its answer is the one described.

What a caller can't bring about from outside (a fault of the server's, a full queue, a disk that refuses) is asked of the code that answers
it, without a server.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import INGEST, Api, body_of, event
from recordings_rig import INGEST_RECORDINGS, OBJECTS, ask, asked, chunks, upload

from sv.meta.db import Meta
from sv.model.errors import Unavailable
from sv.web.errors import error_answer
from sv.web.front import Front
from sv.web.openapi.errors import ERRORS, example_of
from tests.http.openapi.openapi_rig import check_answer, faults, operations
from tests.http.openapi.people_requests import PEOPLE_REQUESTS, send_about_people

FROM_WITHIN = {"500", "503"}
NOBODY = {"Authorization": "Bearer sv_nobody"}
ABSENT = "01955b3e-fed0-7000-8000-000000000000"
IMPORT = "/api/v1/projects/dev/imports/0f343b0931126a20f133d67c2b018a3b"
CONFIG = "/api/v1/ingest/config"
EVENTS = "/api/v1/projects/dev/events"
EVENT_NAMES = "/api/v1/projects/dev/event_definitions"
PROPERTY_NAMES = "/api/v1/projects/dev/property_definitions"
PERSONS = "/api/v1/projects/dev/persons"
SESSIONS = "/api/v1/projects/dev/sessions"
TEXT = {"Content-Type": "text/csv"}
STEPS = [{"event": "view"}, {"event": "buy"}]
LARGE = b" " * (1 << 20) + b"{}"
RECORDING = "/api/v1/projects/dev/sessions/s-1/recording"
UNSIGNED = f"{OBJECTS}recordings/dev/s-1/chunk_000000.json"
SMART = "/api/v1/projects/dev/action_definitions"
SAVED = "/api/v1/projects/dev/insights"
BOARDS = "/api/v1/projects/dev/dashboards"
RULES = {"rules": [{"event": "view"}]}
TAKEN = {"name": "Signed up", **RULES}
QUERY = {"kind": "trends", "query": {"events": [{"name": "view"}]}}
RANDOM_ID = re.compile(r"\b[a-z0-9]{12}\b")


def insight(path: str, body: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "200": (path, {"json": body}),
        "400": (path, {"content": b"{not json"}),
        "401": (path, {"json": body, "headers": NOBODY}),
        "403": (path, {"json": body, "token": "for another project"}),
        "404": (path.replace("dev", "nowhere"), {"json": body}),
        "413": (path, {"content": LARGE}),
        "415": (path, {"content": b"a,b", "headers": TEXT}),
        "422": (path, {"json": body | {"breakdown_limit": "many"}}),
    }


def looking(path: str, found: str, status: str = "200") -> dict[str, tuple[str, dict[str, Any]]]:
    """A route of one smart event or saved insight that takes no body: `found` stands for it, "nothing" for what is not there."""
    return {
        status: (f"{path}/{found}", {}),
        "400": (f"{path}/nothing?limit=1", {}),
        "401": (f"{path}/nothing", {"headers": NOBODY}),
        "403": (f"{path}/nothing", {"token": "for another project"}),
        "404": (f"{path}/nothing", {}),
    }


def listing(path: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "200": (path, {}),
        "400": (f"{path}?limit=0", {}),
        "401": (path, {"headers": NOBODY}),
        "403": (path, {"token": "for another project"}),
        "404": (path.replace("dev", "nowhere"), {}),
    }


def exporting(path: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return listing(path) | {"400": (f"{path}?format=xml", {})}


def definition(path: str, known: str, unknown: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        **insight(f"{path}/{known}", {"is_verified": True}),
        "200": (f"{path}/{known}", {"json": {"is_verified": True}, "events": [event(properties={"plan": "pro"})]}),
        "404": (f"{path}/{unknown}", {"json": {}}),
        "422": (f"{path}/{known}", {"json": {"is_hidden": "yes"}}),
    }


def one_person(path: str, known: str, bad: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "200": (path.format(known), {}),
        "400": (f"{path.format(known)}?{bad}", {}),
        "401": (path.format(known), {"headers": NOBODY}),
        "403": (path.format(known), {"token": "for another project"}),
        "404": (path.format("nobody"), {}),
    }


def changing(path: str, found: str, body: dict[str, Any], wrong: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    return insight(f"{path}/nothing", body) | {
        "200": (f"{path}/{found}", {"json": body}),
        "404": (f"{path}/nothing", {"json": body}),
        "422": (f"{path}/{found}", {"json": wrong}),
    }


def creating(path: str, body: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    statuses = insight(path, body) | {"422": (path, {"json": body | {"name": 7}})}
    return {"201" if status == "200" else status: asked for status, asked in statuses.items()}


REQUESTS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "ingest_events": {
        "202": (INGEST, {"json": body_of([event()])}),
        "400": (INGEST, {"content": b"{not json"}),
        "401": (INGEST, {"json": body_of([event()], "sv_pub_nobody")}),
        "413": (INGEST, {"json": body_of([event()] * 2001)}),
        "415": (INGEST, {"content": b"a,b", "headers": TEXT}),
        "422": (INGEST, {"json": body_of([])}),
    },
    "get_ingest_config": {
        "200": (f"{CONFIG}?token=sv_pub_dev", {}),
        "400": (CONFIG, {}),
        "401": (f"{CONFIG}?token=sv_pub_nobody", {}),
    },
    "list_events": listing(EVENTS),
    "get_event": {
        "200": (f"{EVENTS}/{{newest}}", {}),
        "400": (f"{EVENTS}/e-1", {}),
        "401": (f"{EVENTS}/{ABSENT}", {"headers": NOBODY}),
        "403": (f"{EVENTS}/{ABSENT}", {"token": "for another project"}),
        "404": (f"{EVENTS}/{ABSENT}", {}),
    },
    "list_persons": listing(PERSONS),
    "erase_person": {
        "202" if status == "200" else status: asked
        for status, asked in one_person(f"{PERSONS}/{{}}/erase", "{person}", "limit=1").items()
    },
    "get_rejections": listing("/api/v1/projects/dev/rejections"),
    "list_jobs": listing("/api/v1/projects/dev/jobs"),
    "get_job": looking("/api/v1/projects/dev/jobs", "{job}"),
    "get_person": one_person(f"{PERSONS}/{{}}", "{person}", "limit=1"),
    "export_person": one_person(f"{PERSONS}/{{}}/export", "{person}", "limit=1"),
    "list_person_events": one_person(f"{PERSONS}/{{}}/events", "{person}", "limit=0"),
    "list_person_sessions": one_person(f"{PERSONS}/{{}}/sessions", "{person}", "limit=0"),
    "list_sessions": listing(SESSIONS),
    "get_session": one_person(f"{SESSIONS}/{{}}", "{session}", "limit=1"),
    "list_session_events": one_person(f"{SESSIONS}/{{}}/events", "{session}", "limit=0"),
    "query_trends": insight("/api/v1/projects/dev/insights/trends", {"events": [{"name": "view"}]}),
    "query_funnel": insight("/api/v1/projects/dev/insights/funnel", {"steps": STEPS}),
    "query_overview": insight("/api/v1/projects/dev/insights/overview", {"date_from": "-1d"}),
    "query_sql": insight("/api/v1/projects/dev/sql", {"query": "select count(*) from events"}),
    "list_funnel_persons": insight(
        "/api/v1/projects/dev/insights/funnel/persons", {"steps": STEPS, "step": 2, "outcome": "dropped_off"}
    ),
    "list_event_definitions": listing(EVENT_NAMES),
    "update_event_definition": definition(EVENT_NAMES, "view", "purchase"),
    "list_property_definitions": listing(PROPERTY_NAMES),
    "update_property_definition": definition(PROPERTY_NAMES, "plan", "prize"),
    "get_import": {
        "200": (IMPORT, {}),
        "400": (IMPORT.replace("0f343b0931126a20f133d67c2b018a3b", "x"), {}),
        "401": (IMPORT, {"headers": NOBODY}),
        "403": (IMPORT, {"token": "for another project"}),
        "404": (IMPORT.replace("dev", "nowhere"), {}),
    },
    "export_events": exporting(f"{EVENTS}/export"),
    "plan_export": exporting(f"{EVENTS}/export/plan"),
    "take_import_chunk": {
        **insight(f"{IMPORT}/chunks/1", {"batches": []}),
        "413": (f"{IMPORT}/chunks/1", {"json": {"batches": [{"events": [event()] * 2001}]}}),
        "422": (f"{IMPORT}/chunks/1", {"json": {}}),
    },
    "ingest_recording": {
        "200": (INGEST_RECORDINGS, {"json": asked()}),
        "400": (INGEST_RECORDINGS, {"content": b"{1: 2}"}),
        "401": (INGEST_RECORDINGS, {"json": asked(projectToken="sv_pub_nobody")}),
        "413": (INGEST_RECORDINGS, {"content": LARGE}),
        "415": (INGEST_RECORDINGS, {"content": b"a,b", "headers": TEXT}),
        "422": (INGEST_RECORDINGS, {"json": asked(sizeBytes=0)}),
    },
    "get_recording": {
        "200": (RECORDING, {"recorded": True}),
        "400": (f"{RECORDING}?after=x", {}),
        "401": (RECORDING, {"headers": NOBODY}),
        "403": (RECORDING, {"token": "for another project"}),
        "404": (RECORDING, {}),
    },
    "put_object": {
        "200": ("{upload}", {"content": b"[]"}),
        "403": (UNSIGNED, {"content": b"[]"}),
        "413": ("{upload}", {"pieces": [b"[]", b"]"]}),
        "415": ("{upload}", {"content": b"[]", "headers": {"Content-Encoding": "gzip"}}),
    },
    "get_object": {
        "200": ("{download}", {}),
        "403": (UNSIGNED, {}),
        "404": ("{erased}", {}),
    },
    "list_smart_events": listing(SMART),
    "create_smart_event": creating(SMART, TAKEN) | {"409": (f"{SMART}?{{smart}}", {"json": TAKEN})},
    "get_smart_event": looking(SMART, "{smart}"),
    "update_smart_event": {
        **changing(SMART, "{smart}", {"archived": True}, {"name": 7}),
        "409": (f"{SMART}/{{other}}", {"json": {"name": "Signed up"}}),
    },
    "delete_smart_event": {**looking(SMART, "{smart}", "204"), "409": (f"{SMART}/{{used}}", {})},
    "preview_rules": insight(f"{SMART}/preview", RULES) | {"422": (f"{SMART}/preview", {"json": {}})},
    "preview_smart_event": {
        **insight(f"{SMART}/nothing/preview", {}),
        "200": (f"{SMART}/{{smart}}/preview", {}),
        "404": (f"{SMART}/nothing/preview", {}),
        "422": (f"{SMART}/nothing/preview", {"json": {"limit": "many"}}),
    },
    "list_saved_insights": listing(SAVED),
    "create_saved_insight": creating(SAVED, {"name": "Weekly", **QUERY})
    | {"409": (f"{SAVED}?{{full}}", {"json": {"name": "More", **QUERY}})},
    "get_saved_insight": looking(SAVED, "{insight}"),
    "update_saved_insight": changing(SAVED, "{insight}", {"name": "Monthly"}, {"name": 7}),
    "delete_saved_insight": {**looking(SAVED, "{insight}", "204"), "409": (f"{SAVED}/{{tiled}}", {})},
    "list_dashboards": listing(BOARDS),
    "create_dashboard": creating(BOARDS, {"name": "Mondays"}) | {"409": (f"{BOARDS}?{{crowd}}", {"json": {"name": "More"}})},
    "get_dashboard": looking(BOARDS, "{board}"),
    "update_dashboard": changing(BOARDS, "{board}", {"tiles": []}, {"name": 7}),
    "delete_dashboard": looking(BOARDS, "{board}", "204"),
    **PEOPLE_REQUESTS,
    "get_health": {"200": ("/healthz", {})},
    "get_metrics": {
        "200": ("/metrics", {}),
        "400": ("/metrics?limit=1", {}),
        "401": ("/metrics", {"headers": {"X-Forwarded-For": "203.0.113.7", **NOBODY}}),
        "403": ("/metrics", {"headers": {"X-Forwarded-For": "203.0.113.7"}, "token": "for another project"}),
    },
    "get_schema": {"200": ("/schema", {}), "400": ("/schema?limit=1", {})},
    "reset_server": {
        "204": ("/api/v1/dev/reset", {}),
        "400": ("/api/v1/dev/reset?limit=1", {}),
        "401": ("/api/v1/dev/reset", {"headers": NOBODY}),
        "403": ("/api/v1/dev/reset", {"token": "for another project"}),
    },
}
CASES = [(name, status) for name, statuses in REQUESTS.items() for status in statuses]


def made(api: Api, path: str, body: dict[str, Any]) -> str:
    answer = api.http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def make(api: Api, what: str) -> str:
    """Put what a request needs onto the server; its id, "" where the request names it otherwise."""
    match what:
        case "smart":
            return made(api, SMART, TAKEN)
        case "other":
            made(api, SMART, TAKEN)
            return made(api, SMART, {"name": "Other", **RULES})
        case "used":
            smart = made(api, SMART, TAKEN)
            made(api, SAVED, {"name": "Weekly", "kind": "trends", "query": {"events": [{"action_id": smart}]}})
            return smart
        case "insight":
            return made(api, SAVED, {"name": "Weekly", **QUERY})
        case "board":
            return made(api, BOARDS, {"name": "Mondays"})
        case "tiled":
            insight = made(api, SAVED, {"name": "Weekly", **QUERY})
            made(api, BOARDS, {"name": "Mondays", "tiles": [{"insight_id": insight}]})
            return insight
        case "crowd":
            for _ in range(200):
                made(api, BOARDS, {"name": "n"})
            return ""
        case _:
            with Meta.open(Path(api.server.ready["data"]) / "sv.db") as meta, meta.transaction(durable=False) as writer:
                writer.execute(
                    """
                    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 1000)
                    insert into saved_insights (id, project_id, name, description, kind, query, created_ms, updated_ms)
                    select n, 'dev', 'n', '', 'trends', '{}', 1, 1 from numbers
                    """
                )
            return ""


def send(api: Api, name: str, path: str, sent: dict[str, Any], tokens: dict[str, str]) -> httpx.Response:
    if name in PEOPLE_REQUESTS:
        return send_about_people(api, operations()[name].method, path, sent, tokens)
    if "{newest}" in path:
        api.send(event())
        path = path.replace("{newest}", api.listed()[0]["id"])
    if "events" in sent:
        api.send(*sent["events"])
    if "{person}" in path:
        api.send(event("view", "an/n"))
        path = path.replace("{person}", "an%2Fn")
    if "{job}" in path:
        api.send(event("view", "ann"))
        path = path.replace("{job}", api.http.post(f"{PERSONS}/ann/erase").json()["id"])
    if "{session}" in path:
        api.send(event("view", sessionId="s/1"))
        path = path.replace("{session}", "s%2F1")
    if sent.get("recorded") or path in ("{download}", "{erased}"):
        upload(api, b"[]")
    if path == "{upload}":
        path = ask(api)["uploadUrl"]
    elif path in ("{download}", "{erased}"):
        erased = path == "{erased}"
        path = chunks(api)[0]["url"]
        if erased:
            api.reset()
    if "pieces" in sent:  # without a Content-Length
        sent = {"content": iter(sent["pieces"])}
    if needed := re.search(r"[?]?{(smart|other|used|insight|tiled|board|full|crowd)}", path):
        found = make(api, needed[1])
        path = path.replace(needed[0], "" if needed[0].startswith("?") else found)
    headers = {"Content-Type": "application/json"} if "content" in sent else {}
    if "token" in sent:
        headers["Authorization"] = f"Bearer {tokens[sent['token']]}"
    headers |= sent.get("headers", {})
    rest = {key: value for key, value in sent.items() if key not in ("token", "headers", "events", "recorded")}
    return api.http.request(operations()[name].method, path, headers=headers, **rest)


def test_there_is_a_request_for_every_status_of_every_operation() -> None:
    for name, described in operations().items():
        assert set(described.operation["responses"]) - FROM_WITHIN == set(REQUESTS[name]), name


def shown(name: str, status: str) -> Any:
    """The example of an error in the document."""
    response = operations()[name].operation["responses"][status]
    if "$ref" in response:
        return example_of(int(status))
    return next(iter(response["content"]["application/json"]["examples"].values()))["value"]


@pytest.mark.parametrize(("name", "status"), CASES, ids=[f"{name}-{status}" for name, status in CASES])
def test_a_status_is_had_and_answered_as_described_and_the_error_shown_is_the_error_given(
    api: Api, tokens: dict[str, str], name: str, status: str
) -> None:
    path, sent = REQUESTS[name][status]
    answer = send(api, name, path, sent, tokens)
    assert answer.status_code == int(status), answer.text[:300]
    check_answer(name, answer)
    if status in map(str, ERRORS) and (name, status) != ("ingest_events", "422"):
        given = json.dumps(answer.json())
        assert RANDOM_ID.sub("…", given) == RANDOM_ID.sub("…", json.dumps(shown(name, status)))


@pytest.mark.parametrize(("status", "error"), [(500, RuntimeError("secret")), (503, Unavailable(ERRORS[503].example))])
def test_a_fault_of_the_server_is_answered_as_described(status: int, error: Exception) -> None:
    given, headers, body = error_answer(error)
    assert given == status
    assert json.loads(body) == example_of(status)
    assert faults({"$ref": "#/components/schemas/Error"}, json.loads(body)) == []
    assert ("retry-after" in headers) == (status == 503)


@pytest.mark.parametrize(
    ("reason", "warnings", "status"),
    [("can't write the log: no space left on device", [], 503), (None, ["the data folder nears its budget"], 200)],
)
def test_health_that_is_lost_or_about_to_be_is_answered_as_described(
    reason: str | None, warnings: list[str], status: int
) -> None:
    messages: list[Any] = []

    async def send_message(message: Any) -> None:
        messages.append(message)

    async def never(*_: Any) -> Any:
        raise AssertionError

    rest: Any = {"capture": None, "load_app": None, "country_of": None, "on_startup": never, "on_shutdown": never}
    front = Front(health=lambda: reason, warnings=lambda: warnings, **rest)
    asyncio.run(front({"type": "http", "method": "GET", "path": "/healthz", "headers": []}, never, send_message))
    start, body = messages
    answer = httpx.Response(start["status"], headers=start["headers"], content=body["body"])
    assert answer.status_code == status
    assert answer.json().get("warnings", []) == warnings
    check_answer("get_health", answer)
