"""The OpenAPI 3.1 document of an application's routes.

Answers for putting together what the routes say (paths, methods, permissions) and what `operations` says of each, and for the schemas of
its parts. Assumes that every operation id of a route is in OPERATIONS. Made once, when asked for; never kept in sync by hand.
"""

from typing import Any, Final, cast

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from sv.model.access import Role, Scope
from sv.web.cookies import COOKIE
from sv.web.openapi import schemas_answers, schemas_requests, texts, texts_people
from sv.web.openapi.errors import ERRORS, RETRY_AFTER, example_of
from sv.web.openapi.examples import EXAMPLES
from sv.web.openapi.operation import JSON, Answer, Example, Operation
from sv.web.openapi.operations import OPERATIONS, PATH_PARAMETERS, TAGS
from sv.web.openapi.operations_definitions import PROPERTY_TYPE
from sv.web.openapi.operations_funnel_persons import OUTCOME
from sv.web.openapi.operations_overview import TABLE
from sv.web.permissions import Permission, permission_of

_ROLES: Final = {Scope.READ: Role.VIEWER, Scope.WRITE: Role.EDITOR, Scope.ADMIN: Role.ADMIN}
"""The least role that allows what a scope names."""

REF: Final = "#/components/schemas/{name}"

_DESCRIPTIONS: Final = {
    "Filter": texts.FILTER,
    "Operator": texts.OPERATOR,
    "Math": texts.MATH,
    "Mode": texts.MODE,
    "Interval": "The width of a bucket.",
    "AggregateBy": "Whose funnel it is.",
    "PropertyType": PROPERTY_TYPE,
    "UrlMatch": texts.URL_MATCH,
    "InsightKind": "What a saved insight asks.",
    "Outcome": OUTCOME,
    "Table": TABLE,
    "DropReason": "Why an event was rejected.",
    "DateText": texts.DATES,
    "EqualValue": "A value to be equal to, or a list of them, which means any of.",
}
"""Of components whose types are the product's own, with docstrings for its developers; and of those shared by _SHARED."""

_SHARED: Final = {"DateText": schemas_requests.DateText, "EqualValue": schemas_requests.EqualValue}
"""Types without a name of their own that clients should know by one."""


def encode_document(app: Litestar, version: str, base_path: str = "") -> bytes:
    """`make_document` as JSON."""
    return msgspec.json.encode(make_document(app, version, base_path))


def make_document(app: Litestar, version: str, base_path: str = "") -> dict[str, Any]:
    """The document as JSON values. base_path: below which its paths are. Raises KeyError for a route whose operation is not described."""
    paths: dict[str, dict[str, Any]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if isinstance(handler.operation_id, str):  # the framework's own OPTIONS has none
                    for method in handler.http_methods:
                        names = [part.name for part in route.path_components if not isinstance(part, str)]
                        paths.setdefault(route.path_format, {})[method.lower()] = _operation(handler, handler.operation_id, names)
    used = {operation["tags"][0] for methods in paths.values() for operation in methods.values()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Session Vision",
            "version": version,
            "summary": "Product analytics with exact funnels.",
            "description": texts.INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_path or "/", "description": "The server that this document came from."}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {shared.name: _error(status) for status, shared in ERRORS.items()},
            "headers": {"RetryAfter": RETRY_AFTER},
            "securitySchemes": {
                "api_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, `sv_…`. Made by `sv token create`, or here.",
                },
                "login_session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": texts_people.COOKIE},
            },
        },
    }


# ---- Operations ----


def _operation(handler: HTTPRouteHandler, operation_id: str, path_names: list[str]) -> dict[str, Any]:
    operation = OPERATIONS[operation_id]
    permission = permission_of(handler)
    examples = EXAMPLES.get(operation_id, ())
    parameters = [
        *({"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]} for name in path_names),
        *operation.parameters,
    ]
    described: dict[str, Any] = {
        "operationId": operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{_needs(permission)}",
        "security": _security(permission),
        "responses": _responses(operation, permission, examples),
    }
    if parameters:
        described["parameters"] = [_with_examples(parameter, examples) for parameter in parameters]
    if operation.raw_body:
        content = {
            media: {"schema": schema, "examples": {"empty": {"value": []}}} for media, schema in operation.raw_body.items()
        }
        described["requestBody"] = {"required": True, "content": content}
    if operation.body:
        content = {media: _request_content(media, kind, examples) for media, kind in operation.body.items()}
        described["requestBody"] = {"required": operation.needs_body, "content": content}
    return described


def _needs(permission: Permission) -> str:
    """What a caller has to show, in a sentence."""
    match permission.credential:
        case "none":
            return "Needs no credentials."
        case "project token":
            return "Needs the project token."
        case "signed URL":
            return "Needs no credentials but the URL itself, which is signed."
        case "login session":
            return "Needs a login session; an API token has none."
        case _:
            scope = permission.scope or Scope.READ
            but = ", but for callers on the server's own machine" if permission.is_open_here else ""
            return texts_people.NEEDS[permission.place].format(scope=scope, role=_ROLES[scope]) + f"{but}."


def _security(permission: Permission) -> list[dict[str, list[str]]]:
    if not permission.is_asked:
        return []
    kinds: list[dict[str, list[str]]] = [{"login_session": []}]
    if permission.scope is not None:
        kinds.insert(0, {"api_token": []})
    return [{}, *kinds] if permission.is_open_here else kinds


def _with_examples(parameter: dict[str, Any], examples: tuple[Example, ...]) -> dict[str, Any]:
    """The parameter, with the value that each example gives it."""
    place, name = parameter["in"], parameter["name"]
    given = {
        example.name: {"value": values[name]}
        for example in examples
        if name in (values := example.path if place == "path" else example.query)
    }
    if not given:
        return parameter
    if "content" in parameter:
        return parameter | {"content": {JSON: parameter["content"][JSON] | {"examples": given}}}
    return parameter | {"examples": given}


def _request_content(media: str, kind: type, examples: tuple[Example, ...]) -> dict[str, Any]:
    ref = {"$ref": REF.format(name=kind.__name__)}
    schema = ref if media == JSON else {"type": "string", "contentMediaType": JSON, "contentSchema": ref}
    given = {
        example.name: {"summary": example.summary, "value": example.body}
        for example in examples
        if example.media_type == media and example.body is not None and example.status < 400
    }
    return {"schema": schema} | ({"examples": given} if given else {})


# ---- Responses ----


def _responses(operation: Operation, permission: Permission, examples: tuple[Example, ...]) -> dict[str, Any]:
    errors = dict(operation.errors)
    if permission.is_asked:
        errors |= {401: "", 403: _forbidden(permission)}
        errors.setdefault(503, "")  # tokens are looked up on disk
    if permission.credential != "none":
        errors[500] = ""
    described = {status: _answer(status, answer, examples) for status, answer in operation.answers.items()}
    for status, message in errors.items():
        described[status] = _error(status, message) if message else {"$ref": f"#/components/responses/{ERRORS[status].name}"}
    return {str(status): described[status] for status in sorted(described)}


def _forbidden(permission: Permission) -> str:
    """An example of a refusal; "" for the shared one."""
    if permission.scope is None:
        return "expected a login session (Cookie), got an API token"
    if permission.place == "somewhere":
        return f"expected the scope {permission.scope}, got none"
    return "" if permission.place == "project" else "these credentials are for one project, and this concerns the whole instance"


def _answer(status: int, answer: Answer, examples: tuple[Example, ...]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    refs = [{"$ref": REF.format(name=kind.__name__)} for kind in answer.body]
    schema = answer.schema or (refs[0] if len(refs) == 1 else {"oneOf": refs})
    if answer.body or answer.schema:
        given = {
            example.name: {"summary": example.summary, "value": example.answer}
            for example in examples
            if example.status == status
        }
        content = {answer.media_type: {"schema": schema} | ({"examples": given} if given else {})}
        described["content"] = content | {media: {"schema": other} for media, other in answer.other_media.items()}
    if status == 503:
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return described


def _error(status: int, message: str = "") -> dict[str, Any]:
    shared = ERRORS[status]
    schema = {"$ref": REF.format(name="ValidationError" if status == 422 else "Error")}
    described: dict[str, Any] = {
        "description": f"`{shared.code}`: {shared.description}",
        "content": {JSON: {"schema": schema, "examples": {shared.name: {"value": example_of(status, message)}}}},
    }
    if shared.has_retry_after:
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return described


# ---- Schemas ----


def _schemas() -> dict[str, Any]:
    bodies = {kind for operation in OPERATIONS.values() for kind in operation.body.values()}
    answers = {kind for operation in OPERATIONS.values() for answer in operation.answers.values() for kind in answer.body}
    kinds = sorted(bodies | answers | {schemas_answers.Error}, key=lambda kind: kind.__name__)
    _, found = msgspec.json.schema_components(kinds, ref_template=REF)
    shared = {name: msgspec.json.schema(kind) for name, kind in _SHARED.items()}
    schemas: dict[str, Any] = shared | {name: _named(schema, shared) for name, schema in found.items()}
    for name, text in _DESCRIPTIONS.items():
        schemas[name] = {**schemas[name], "description": text}
    for schema in schemas.values():
        if "enum" in schema:
            schema["type"] = "string"
    return dict(sorted(schemas.items()))


def _named(schema: Any, shared: dict[str, Any]) -> Any:
    """The schema, with every part that equals a shared one as a reference to it, and with what any list holds said.

    Client generators drop a type with a list that doesn't say what its items are, and every route that answers it.
    """
    for name, part in shared.items():
        if schema == part:
            return {"$ref": REF.format(name=name)}
    if isinstance(schema, dict):
        named = {key: _named(value, shared) for key, value in cast("dict[str, Any]", schema).items()}
        is_open = named.get("type") == "array" and not named.keys() & {"items", "prefixItems"}
        return {**named, "items": {}} if is_open else named
    if isinstance(schema, list):
        return [_named(value, shared) for value in cast("list[Any]", schema)]
    return schema
