"""Every example of the document is sent, and its answer is the one shown."""

import json
import time
from typing import Any

import httpx
import pytest
from http_rig import Api
from recordings_rig import chunks, upload

from sv.web.openapi.examples import EXAMPLES, VARYING
from sv.web.openapi.examples_people import PEOPLE_EXAMPLES
from sv.web.openapi.examples_smart_events import INSIGHT_ID, KEPT_INSIGHT, KEPT_SMART_EVENT
from sv.web.openapi.operation import Example
from sv.web.openapi.operations_dashboards import KEPT_DASHBOARD
from tests.http.openapi.openapi_rig import check_answer, faults, operations, resolved

EVENTS, _, REJECTED = EXAMPLES["ingest_events"][:3]
ALL = [(name, example) for name, examples in EXAMPLES.items() if name not in PEOPLE_EXAMPLES for example in examples]
"""But for those about people, which are a story that `test_openapi_people_story` plays."""


@pytest.fixture
def shop(api: Api) -> Api:
    """The server with the events of the first example alone, a rejected one, a recording without any, and what the examples' paths name."""
    send(api, "ingest_events", EVENTS)
    send(api, "ingest_events", REJECTED)
    upload(api, b"[]")
    for kind, body in (("action_definitions", KEPT_SMART_EVENT), ("insights", KEPT_INSIGHT)):
        assert api.http.post(api.path(kind), json=body).status_code == 201
    assert api.http.post(api.path("dashboards"), content=with_ids(api, json.dumps(KEPT_DASHBOARD))).status_code == 201
    return api


def with_ids(api: Api, content: str) -> str:
    """A body with the id that the saved insight has on this server."""
    if INSIGHT_ID in content:
        (insight,) = api.http.get(api.path("insights")).json()["data"]
        content = content.replace(INSIGHT_ID, insight["id"])
    return content


def send(api: Api, name: str, example: Example) -> httpx.Response:
    """The example as a client of the document would send it. An event's id is that of the event shown."""
    if name == "get_object":  # by a URL that only the server can make
        return api.http.get(chunks(api)[0]["url"])
    described = operations()[name]
    path = described.path
    for field, value in example.path.items():
        path = path.replace("{" + field + "}", id_of(api, field, example) or str(value))
    query = {name: value if isinstance(value, str | int) else json.dumps(value) for name, value in example.query.items()}
    content = example.body if isinstance(example.body, str) else json.dumps(example.body)
    sent: dict[str, Any] = {"params": query}
    if example.body is not None:
        sent |= {"content": with_ids(api, content), "headers": {"Content-Type": example.media_type}}
    return api.http.request(described.method, path, **sent)


def id_of(api: Api, field: str, example: Example) -> str | None:
    """The id on this server of what the path's field names, None where it is the same on every server."""
    match field:
        case "event_id":
            (found,) = api.listed(event=example.answer["event"])
        case "job_id":
            api.http.post(api.path("persons/cat/erase"))
            until = time.monotonic() + 60
            while (found := api.http.get(api.path("jobs")).json()["data"][0])["status"] != "done":
                assert time.monotonic() < until, found
        case "action_id" | "insight_id" | "dashboard_id":
            kinds = {"action_id": "action_definitions", "insight_id": "insights", "dashboard_id": "dashboards"}
            (found,) = api.http.get(api.path(kinds[field])).json()["data"]
        case _:
            return None
    shown: str = found["id"]
    return shown


def constant(value: Any) -> Any:
    """The value without what differs from server to server."""
    if isinstance(value, dict):
        return {name: "…" if name in VARYING else constant(inner) for name, inner in value.items()}
    return [constant(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "example"), ALL, ids=[f"{name}-{example.name}" for name, example in ALL])
def test_an_example_gets_the_answer_shown(shop: Api, name: str, example: Example) -> None:
    answer = send(shop, name, example)
    check_answer(name, answer)
    assert answer.status_code == example.status
    assert constant(answer.json()) == constant(example.answer)


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_example_in_the_document_is_right_by_its_schema(name: str) -> None:
    operation = operations()[name].operation
    places = [*operation.get("parameters", ()), *contents(operation.get("requestBody", {}))]
    for response in operation["responses"].values():
        places += contents(resolved(response))
    for place in places:
        shown = place.get("content", {}).get("application/json", place)
        for title, example in shown.get("examples", {}).items():
            assert faults(shown["schema"], example["value"]) == [], f"{name}: {title}"


def contents(part: dict[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("content", {}).values())


def test_an_operation_with_a_body_or_a_json_answer_has_examples_of_both() -> None:
    for name, described in operations().items():
        bodies = contents(described.operation.get("requestBody", {}))
        answers = [
            content
            for status, response in described.operation["responses"].items()
            for media_type, content in resolved(response).get("content", {}).items()
            if media_type == "application/json" and (status, name) != ("503", "get_health")
        ]
        assert all(content.get("examples") for content in bodies + answers), name
