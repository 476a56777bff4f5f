"""The examples about people, played in order with a server of their own: their answers are the ones shown."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from http_rig import Running, running

from sv.web.openapi.examples import VARYING
from sv.web.openapi.examples_people import PEOPLE_EXAMPLES, PEOPLE_VARYING
from tests.http.openapi.openapi_rig import check_answer, operations


@pytest.fixture(scope="module")
def fresh() -> Iterator[Running]:
    with running("dev") as started:
        yield started


def constant(value: Any) -> Any:
    """The value without what differs from server to server."""
    if isinstance(value, dict):
        return {name: "…" if is_varying(name, inner, value) else constant(inner) for name, inner in value.items()}
    return [constant(item) for item in value] if isinstance(value, list) else value


def is_varying(name: str, inner: Any, within: dict[str, Any]) -> bool:
    if inner is None or (name == "id" and inner in ("dev", "shop")):
        return False
    return name in VARYING | PEOPLE_VARYING or (name == "expires_at" and "is_current" in within)


def test_the_story_of_the_document_is_what_a_server_answers(fresh: Running) -> None:
    with (
        httpx.Client(base_url=fresh.url, trust_env=False, headers={"Authorization": "Bearer sv_dev"}) as program,
        httpx.Client(base_url=fresh.url, trust_env=False, headers={"Origin": fresh.url}) as browser,
    ):
        for name, examples in PEOPLE_EXAMPLES.items():
            described = operations()[name]
            is_browsed = name == "log_in" or {"api_token": []} not in described.operation["security"]
            for example in examples:
                path = described.path
                for field, value in example.path.items():
                    path = path.replace("{" + field + "}", id_of(program, str(value)) if field == "user_id" else str(value))
                content = None if example.body is None else json.dumps(example.body)
                headers = {"Content-Type": "application/json"} if content is not None else {}
                asker = browser if is_browsed else program
                answer = asker.request(described.method, path, params=example.query, content=content, headers=headers)
                check_answer(name, answer)
                assert answer.status_code == example.status, answer.text
                if example.answer is not None:
                    assert constant(answer.json()) == constant(example.answer), (name, answer.text)


def id_of(program: httpx.Client, email: str) -> str:
    (found,) = [user for user in program.get("/api/v1/users").json()["data"] if user["email"] == email]
    user_id: str = found["id"]
    return user_id
