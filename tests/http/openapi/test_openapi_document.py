"""The document is valid, whole, and about the routes that there are."""

import re
from typing import Any

import msgspec
import pytest
import schemathesis
from http_rig import Api

from sv.ingest.events import DropReason, WireEvent
from sv.model import (
    dashboards,
    definitions_parsing,
    overview_parsing,
    project_settings,
    query_parsing,
    saved_parsing,
    smart_events,
    sql,
)
from sv.model.errors import SvError
from sv.objects import signing
from sv.people import bodies
from sv.web import front, recordings_door
from sv.web.openapi.errors import ERRORS
from sv.web.openapi.operations import OPERATIONS
from tests.http.openapi.openapi_rig import document, operations, routes

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]


def parts(value: Any) -> list[dict[str, Any]]:
    """Every object in the document, itself included."""
    if isinstance(value, list):
        return [part for item in value for part in parts(item)]
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in parts(item))]
    return []


def descendants(root: type[SvError]) -> list[type[SvError]]:
    return [root, *(found for child in root.__subclasses__() for found in descendants(child))]


def test_the_document_is_valid_openapi_3_1() -> None:
    assert document()["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document()).validate()


def test_a_server_gives_the_document_of_its_routes(full: Api) -> None:
    answer = full.http.get("/schema")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert answer.json() == document()


def test_every_route_is_described_and_every_description_has_a_route() -> None:
    described = {(found.method, found.path) for found in operations().values()}
    assert described == {(route.method, route.path) for route in routes()}
    assert set(operations()) == set(OPERATIONS)


def test_every_route_has_an_id_and_states_its_permission() -> None:
    for route in routes():
        assert isinstance(route.handler.operation_id, str), route
        assert "permission" in route.handler.opt, route


def test_operation_ids_are_unique_and_keep_their_form() -> None:
    ids = [route.handler.operation_id for route in routes()]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", str(name))]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_told_in_full(name: str) -> None:
    operation = operations()[name].operation
    assert operation["summary"] and operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in document()["tags"]}
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
    in_path = {found["name"] for found in operation.get("parameters", ()) if found["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", operations()[name].path))


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    components = {f"#/components/{kind}/{name}" for kind, found in document()["components"].items() for name in found}
    used = {part["$ref"] for part in parts(document()) if isinstance(part.get("$ref"), str)}
    schemes = {
        f"#/components/securitySchemes/{name}" for part in parts(document()) for way in part.get("security", ()) for name in way
    }
    assert used <= components
    assert components - used - schemes == set()


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        ("TrendsRequest", query_parsing.TRENDS_FIELDS),
        ("TrendsRequestSeries", query_parsing.SERIES_FIELDS),
        ("FunnelRequest", query_parsing.FUNNEL_FIELDS),
        ("FunnelRequestStep", query_parsing.STEP_FIELDS),
        ("Filter", ("property", "operator", "value")),
        ("DefinitionRequest", definitions_parsing.NOTES_FIELDS),
        ("SmartEventRequest", saved_parsing.SMART_EVENT_FIELDS),
        ("SmartEventChange", saved_parsing.SMART_CHANGE_FIELDS),
        ("DashboardRequest", dashboards.DASHBOARD_FIELDS),
        ("DashboardChange", dashboards.DASHBOARD_FIELDS),
        ("TileRequest", dashboards.TILE_FIELDS),
        ("TileLayout", dashboards.LAYOUT_FIELDS),
        ("OverviewRequest", overview_parsing.OVERVIEW_FIELDS),
        ("SqlRequest", sql.SQL_FIELDS),
        ("SmartEventRuleRequest", smart_events.RULE_FIELDS),
        ("RulesPreviewRequest", saved_parsing.PREVIEW_FIELDS),
        ("SmartEventPreviewRequest", saved_parsing.PREVIEW_FIELDS),
        ("SavedInsightRequest", saved_parsing.INSIGHT_FIELDS),
        ("SavedInsightChange", saved_parsing.INSIGHT_CHANGE_FIELDS),
        ("ProjectRequest", bodies.NEW_PROJECT_FIELDS),
        ("ProjectChange", bodies.PROJECT_FIELDS),
        ("ProjectSettings", project_settings.SETTINGS_FIELDS),
        ("ShownSettings", project_settings.SETTINGS_FIELDS),
        ("RotationRequest", bodies.ROTATION_FIELDS),
        ("ApiTokenRequest", bodies.NEW_TOKEN_FIELDS),
        ("UserRequest", bodies.NEW_USER_FIELDS),
        ("UserChange", bodies.USER_FIELDS),
        ("MembershipRequest", bodies.MEMBERSHIP_FIELDS),
        ("MembershipChange", bodies.MEMBERSHIP_FIELDS),
        ("MemberRequest", bodies.NEW_MEMBER_FIELDS),
        ("MemberChange", bodies.MEMBER_FIELDS),
        ("LoginRequest", bodies.LOGIN_FIELDS),
        ("PasswordChange", bodies.PASSWORD_FIELDS),
    ],
)
def test_a_query_body_has_the_fields_that_its_parser_knows_and_no_other(schema: str, fields: tuple[str, ...]) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(fields)
    assert SCHEMAS[schema].get("additionalProperties") is (None if schema == "ShownSettings" else False)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("list_events", query_parsing.EVENTS_PARAMETERS),
        ("list_event_definitions", definitions_parsing.EVENT_PARAMETERS),
        ("list_property_definitions", definitions_parsing.PROPERTY_PARAMETERS),
        ("list_smart_events", saved_parsing.SMART_LIST_PARAMETERS),
        ("list_saved_insights", saved_parsing.INSIGHT_LIST_PARAMETERS),
        ("list_dashboards", saved_parsing.INSIGHT_LIST_PARAMETERS),
    ],
)
def test_a_list_has_the_parameters_that_its_parser_knows(name: str, known: tuple[str, ...]) -> None:
    parameters = operations()[name].operation["parameters"]
    assert {found["name"] for found in parameters if found["in"] == "query"} == set(known)


def test_an_event_has_the_fields_that_ingest_reads() -> None:
    assert set(SCHEMAS["IngestEvent"]["properties"]) == {field.encode_name for field in msgspec.structs.fields(WireEvent)}
    assert set(SCHEMAS["IngestRequest"]["properties"]) == {"projectToken", "events"}


def test_every_code_is_in_the_schemas() -> None:
    assert set(SCHEMAS["Error"]["properties"]["code"]["enum"]) == {error.code for error in descendants(SvError)}
    assert set(SCHEMAS["DropReason"]["enum"]) == {reason.value for reason in DropReason}


def test_a_shared_error_has_the_code_of_its_status() -> None:
    codes = {error.status: error.code for error in descendants(SvError)}
    assert {status: shared.code for status, shared in ERRORS.items()} == {status: codes[status] for status in ERRORS}


def test_the_routes_that_the_door_answers_itself_are_the_ones_described(full: Api) -> None:
    """`front` and `recordings_door` take these paths before the application sees them: their methods must be those of the stubs."""
    for path in (front.INGEST_EVENTS, front.HEALTH, recordings_door.INGEST_RECORDINGS, f"{signing.OBJECTS}{{key}}"):
        described = {route.method for route in routes() if route.path == path}
        assert described
        refused = full.http.request("PATCH", path)
        assert refused.status_code == 405
        assert described == set(refused.headers["allow"].split(", ")) - {"OPTIONS", "HEAD"}


def test_every_list_says_what_its_items_are() -> None:
    """Without, client generators leave the type out, and what answers it."""
    lists = [part for part in parts(document()) if part.get("type") == "array"]
    assert SCHEMAS["PropertyDefinition"]["properties"]["example_values"] in lists
    assert [part for part in lists if not part.keys() & {"items", "prefixItems"}] == []
