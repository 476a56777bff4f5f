"""The document in hand: what it says of an answer, and a judge of answers.

The document is made in this process, from the application's routes; a test holds the one that a server gives to it.
"""

import copy
import json
from functools import cache
from typing import Any, NamedTuple

import httpx
import jsonschema_rs
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from sv import __version__
from sv.web.app import make_app
from sv.web.openapi.document import encode_document
from sv.web.services import Services
from tests.http.status_codes import STATUS_CODES

PATH_VALUES = {
    "job_id": "9smtdhv5y5no",
    "project_id": "dev",
    "event_id": "01955b3e-fed0-7000-8000-000000000000",
    "name": "signup",
    "distinct_id": "ann",
    "import_id": "0f343b0931126a20f133d67c2b018a3b",
    "chunk_no": "1",
    "session_id": "s-1",
    "login_session_id": "nothing",
    "token_id": "nothing",
    "user_id": "nobody",
    "key": "recordings/dev/s-1/chunk_000000.json",
    "action_id": "nothing",
    "insight_id": "nothing",
    "dashboard_id": "nothing",
}
"""A value for each parameter of a path; most name something that isn't there."""


class OutOfTime(BaseException):
    """Ends a test that has tried enough, well. No `Exception`, so that Hypothesis lets it through instead of shrinking it."""


class Route(NamedTuple):
    """One method of one path, with its handler."""

    method: str
    path: str
    handler: HTTPRouteHandler


class Described(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    operation: dict[str, Any]


@cache
def application() -> Litestar:
    """The application of `sv dev`, with nothing behind it."""
    nothing: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(Services)}
    return make_app(Services(**nothing | {"reset": lambda: None, "imports": ..., "version": __version__}))


@cache
def routes() -> tuple[Route, ...]:
    """Every route, but for the OPTIONS that the framework adds to each path. In an order that is the same in every process."""
    found = [
        Route(method, route.path_format, handler)
        for route in application().routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    ]
    return tuple(sorted(found, key=lambda route: (route.path, route.method)))


@cache
def document() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(encode_document(application(), __version__))
    return whole


@cache
def operations() -> dict[str, Described]:
    """By operation id."""
    return {
        operation["operationId"]: Described(method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = document()
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


@cache
def _closed_components() -> dict[str, Any]:
    """The schemas, with no room for fields that they do not name: an answer may have more in time, a test must know of it."""
    schemas = copy.deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {"schemas": schemas}


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document, as `path: message`."""
    judge = _judge(json.dumps(schema))
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in judge.iter_errors(value)]


@cache
def _judge(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Of a schema, as JSON. Making one reads all schemas of the document, and thousands of answers are judged by a few."""
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": _closed_components()}, validate_formats=True)


def check_answer(operation_id: str, answer: httpx.Response) -> None:
    """Fail unless the answer is one that the operation describes, in status, media type, headers and body."""
    described = operations()[operation_id].operation["responses"]
    assert str(answer.status_code) in described, f"{operation_id} answered {answer.status_code}: {answer.text[:300]}"
    response = resolved(described[str(answer.status_code)])
    for name in response.get("headers", {}):
        assert name in answer.headers
    content = response.get("content")
    if content is None:
        assert answer.content == b""
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in content
    value = answer.json() if media_type.endswith(("/json", "+json")) else answer.text
    assert faults(content[media_type]["schema"], value) == []
    if answer.status_code >= 400:
        assert value["code"] == STATUS_CODES[answer.status_code]
