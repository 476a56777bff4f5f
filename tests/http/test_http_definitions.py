"""Event and property definitions: right after ingest, page by page, and what owners say of names."""

import base64
import json
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest
from bad_input import Bad, check_refusal, error_of
from http_rig import DAY, HOUR, NOON, Api, event, iso, running

EVENTS = "event_definitions"
PROPERTIES = "property_definitions"
UNSAID = {"description": None, "is_verified": False, "is_hidden": False}
ODD_NAMES = (
    "a/b",
    "/",
    "//",
    "..",
    ".",
    "%2F",
    "100%",
    "a b",
    "+",
    "?x=1#y",
    "ümläut 🦊",
    "line\nbreak",
    "\\",
    '"',
    "events",
    "ﬀ",
    "x" * 200,
)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def page(api: Api, route: str, **parameters: Any) -> dict[str, Any]:
    answer = api.http.get(api.path(route), params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(api: Api, route: str, **parameters: Any) -> list[dict[str, Any]]:
    """All definitions, by as many pages as it takes."""
    found: list[dict[str, Any]] = []
    while True:
        got = page(api, route, **parameters)
        found += got["data"]
        assert got["meta"]["has_more"] == (got["meta"]["next_cursor"] is not None)
        if not got["meta"]["has_more"]:
            return found
        parameters["cursor"] = got["meta"]["next_cursor"]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in found]


def change(api: Api, route: str, name: str, **body: Any) -> dict[str, Any]:
    answer = api.http.patch(api.path(f"{route}/{quote(name, safe='')}"), json=body)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def test_a_project_without_events_has_no_definitions(api: Api) -> None:
    for route in (EVENTS, PROPERTIES):
        assert page(api, route) == {"data": [], "meta": {"next_cursor": None, "has_more": False}}
        error_of(api.http.patch(api.path(f"{route}/x"), json={}), 404)


def test_a_definition_is_there_right_after_ingest_and_counts_each_event(api: Api) -> None:
    now = now_ms()
    api.send(
        event("buy", "ann", now - DAY), event("buy", "bob", now), event("buy", "ann", now - 40 * DAY), event("view", "ann", NOON)
    )
    buy = UNSAID | {"name": "buy", "volume_30d": 2, "first_seen": iso(now - 40 * DAY), "last_seen": iso(now)}
    view = UNSAID | {"name": "view", "volume_30d": 0, "first_seen": iso(NOON), "last_seen": iso(NOON)}
    assert sorted(listed(api, EVENTS), key=lambda each: each["name"]) == [buy, view]
    api.send(event("buy", "ann", now + 20 * HOUR))
    (changed,) = listed(api, EVENTS, search="buy")
    assert changed == buy | {"volume_30d": 3, "last_seen": iso(now + 20 * HOUR)}


def test_a_name_that_comes_later_is_listed_before(api: Api) -> None:
    for name in ("first", "second", "third"):
        api.send(event(name, properties={f"of {name}": 1}))
        listed(api, EVENTS)
    assert names(listed(api, EVENTS)) == ["third", "second", "first"]
    assert names(listed(api, PROPERTIES, search="of ")) == ["of third", "of second", "of first"]
    api.send(event("first", "bob"))
    assert names(listed(api, EVENTS, limit=1)) == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["pro", "2025-01-31"], "string"),
        ([""], "string"),
        ([1, 2.5, -7], "number"),
        ([True, False], "boolean"),
        (["2025-01-31", "2025-01-31T12:00:00.000Z", "2025-01-31 12:00+02:00"], "datetime"),
        ([[], [1]], "array"),
        ([{}, {"a": 1}], "object"),
        ([1, "1"], "string"),
        ([1, True], "string"),
        (["2025-01-31", 1], "string"),
        ([[], {}], "string"),
        ([None, 1], "number"),
    ],
)
def test_a_type_is_what_all_values_are_in_whatever_order_they_come(api: Api, values: list[Any], kind: str) -> None:
    for place, value in enumerate(values):
        api.send(event("up", at=0, properties={"up": value}), event("down", at=0, properties={"down": values[-1 - place]}))  # type: ignore[misc]
    found = {each["name"]: each for each in listed(api, PROPERTIES)}
    assert found["up"]["type"] == found["down"]["type"] == kind
    assert found["up"]["example_values"] == found["down"]["example_values"]
    assert found["up"]["event_count"] == len([value for value in values if value is not None])


def test_five_different_values_are_shown_and_none_that_is_long(api: Api) -> None:
    api.send(*[event(properties={"n": n % 40, "long": "x" * 500, "few": n % 2 * 1.0}) for n in range(80)])
    found = {each["name"]: each["example_values"] for each in listed(api, PROPERTIES)}
    assert len(set(found["n"])) == 5
    assert set(found["n"]) < set(range(40))
    assert found["long"] == []
    assert sorted(found["few"]) == [0, 1]


def test_properties_of_one_event_are_counted_by_its_events_alone(api: Api) -> None:
    api.send(event("buy", properties={"plan": "pro"}), event("view", properties={"plan": 1, "path": "/"}))
    (plan,) = [each for each in listed(api, PROPERTIES, event=" buy ") if each["name"] == "plan"]
    assert plan == UNSAID | {"name": "plan", "type": "string", "event_count": 1, "example_values": ["pro"]}
    (both,) = [each for each in listed(api, PROPERTIES) if each["name"] == "plan"]
    assert (both["type"], both["event_count"]) == ("string", 2)
    assert "path" not in names(listed(api, PROPERTIES, event="buy"))
    assert listed(api, PROPERTIES, event="never") == []


def test_a_property_that_the_server_added_counts_with_its_effective_value(api: Api) -> None:
    headers = {"CF-IPCountry": "DE"}
    api.send(
        event(properties={"$current_url": "https://x.example/?utm_source=news"}), event(properties={"$country": "FR"}), **headers
    )
    found = {each["name"]: each for each in listed(api, PROPERTIES)}
    assert sorted(found["$country"]["example_values"]) == ["DE", "FR"]
    assert found["utm_source"] == UNSAID | {"name": "utm_source", "type": "string", "event_count": 1, "example_values": ["news"]}


def test_a_search_is_part_of_the_name_in_any_case(api: Api) -> None:
    api.send(event("Order Paid"), event("order_sent"), event("100%"))
    assert set(names(listed(api, EVENTS, search="ORDER"))) == {"Order Paid", "order_sent"}
    assert names(listed(api, EVENTS, search="%")) == ["100%"]
    assert names(listed(api, EVENTS, search="_")) == ["order_sent"]
    assert len(listed(api, EVENTS, search="order", limit=1)) == 2


@pytest.mark.parametrize("route", [EVENTS, PROPERTIES])
def test_what_owners_say_is_shown_and_stays(api: Api, route: str) -> None:
    api.send(event("plan", properties={"plan": "pro"}))
    said = change(api, route, "plan", description="What they pay for.", is_verified=True)
    assert said["description"] == "What they pay for."
    api.send(event("plan", "bob", properties={"plan": "pro"}))
    (found,) = listed(api, route, search="plan")
    assert {name: found[name] for name in UNSAID} == {
        "description": "What they pay for.",
        "is_verified": True,
        "is_hidden": False,
    }
    assert change(api, route, "plan") == found
    assert change(api, route, "plan", description=None, is_verified=None, is_hidden=False) == found
    assert change(api, route, "plan", description="", is_verified=False) == found | {"description": None, "is_verified": False}


@pytest.mark.parametrize("route", [EVENTS, PROPERTIES])
def test_what_is_hidden_is_listed_only_when_asked_for(api: Api, route: str) -> None:
    api.send(event("odd", properties={"odd": 1}), event("even", properties={"even": 1}))
    assert change(api, route, "odd", is_hidden=True)["is_hidden"]
    assert "odd" not in names(listed(api, route))
    assert "odd" not in names(listed(api, route, include_hidden="false", limit=1))
    assert "odd" in names(listed(api, route, include_hidden="true"))
    assert len(api.listed(event="odd")) == 1


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_may_hold_any_character(api: Api, name: str) -> None:
    """As curl sends it: httpx takes dots in a path for steps."""
    api.send(event(name, properties={name: 1}))
    for route in (EVENTS, PROPERTIES):
        path = api.path(f"{route}/{quote(name, safe='').replace('.', '%2E')}")
        answer = api.http.patch(path, json={"description": "odd"})
        assert (answer.status_code, answer.json()["name"]) == (200, name)
        assert [each["description"] for each in listed(api, route) if each["name"] == name] == ["odd"]


def test_what_owners_say_outlives_a_restart(tmp_path: Any) -> None:
    data = ("dev", "--data", str(tmp_path / "data"))
    with running(*data) as server, Api(server) as api:
        api.send(event("buy", properties={"plan": "pro"}), event("view"))
        change(api, EVENTS, "buy", description="A paid order.")
        change(api, PROPERTIES, "plan", is_hidden=True)
        before = [listed(api, route, include_hidden="true") for route in (EVENTS, PROPERTIES)]
    with running(*data) as server, Api(server) as api:
        assert [listed(api, route, include_hidden="true") for route in (EVENTS, PROPERTIES)] == before
        assert api.failures == []


def test_a_reset_forgets_names_and_what_was_said_of_them(api: Api) -> None:
    api.send(event("buy"))
    change(api, EVENTS, "buy", description="A paid order.")
    api.reset()
    assert listed(api, EVENTS, include_hidden="true") == []
    api.send(event("buy"))
    assert [each["description"] for each in listed(api, EVENTS)] == [None]


def test_every_name_that_was_there_at_page_one_is_seen_once_while_events_arrive(api: Api) -> None:
    api.send(*[event(f"name {n}", properties={f"key {n}": n}) for n in range(300)])
    there = {f"name {n}" for n in range(300)}
    stopping = threading.Event()

    def write(writer: int) -> None:
        round_ = 0
        while not stopping.is_set():
            round_ += 1
            api.send(event(f"new {writer}.{round_}"), event(f"name {round_ % 300}", properties={f"key {writer}": "x"}))
            stopping.wait(0.02)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for each in writers:
        each.start()
    try:
        seen_events, seen_properties = names(listed(api, EVENTS, limit=25)), names(listed(api, PROPERTIES, limit=25))
    finally:
        stopping.set()
        for each in writers:
            each.join()
    assert len(set(seen_events)) == len(seen_events)
    assert there <= set(seen_events)
    assert len(set(seen_properties)) == len(seen_properties)
    assert {f"key {n}" for n in range(300)} <= set(seen_properties)


def cursor(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()


def bad(title: str, route: str, status: int, field: str | None, shows: str | None = None, /, **sent: Any) -> Bad:
    method = "PATCH" if "/" in route else "GET"
    return Bad(f"{route}: {title}", method, f"/api/v1/projects/dev/{route}", status, field, shows, sent)


def listing_cases(route: str) -> list[Bad]:
    wrong: list[tuple[str, Any]] = [
        ("limit", "0"), ("limit", "1001"), ("limit", "x"), ("search", ""), ("search", "x" * 201), ("include_hidden", "1"),
        ("include_hidden", ""), ("include_hidden", "True"), ("cursor", "x"), ("cursor", cursor({"ts": 1, "id": "x"})),
        ("cursor", cursor({"ts": 1, "id": "-1"})), ("cursor", cursor({"ts": 1, "id": str(2**63)})), ("cursor", cursor({"id": "1", "ts": 1})),
        ("offset", "1"), ("is_hidden", "true"), ("date_from", "-7d"),
    ]  # fmt: skip
    if route == PROPERTIES:
        wrong += [("event", ""), ("event", "  "), ("event", "x" * 201)]
    else:
        wrong += [("event", "buy")]
    return [bad(f"{field} {value!r:.24}", route, 400, field, params={field: value}) for field, value in wrong]


def change_cases(route: str) -> list[Bad]:
    path = f"{route}/known"
    wrong: list[tuple[str, Any]] = [
        ("description", 7), ("description", ["x"]), ("description", "x" * 1001), ("is_verified", "true"), ("is_verified", 1),
        ("is_hidden", 0), ("is_hidden", {}), ("name", "other"), ("volume_30d", 1), ("isHidden", True),
    ]  # fmt: skip
    return [
        *[bad(f"{field} {value!r:.24}", path, 422, field, json={field: value}) for field, value in wrong],
        *[bad(f"a body {value!r}", path, 422, "body", json=value) for value in ([], "x", 7)],
        bad("no JSON", path, 400, "body", content=b"{", headers={"Content-Type": "application/json"}),
        bad("another type", path, 415, "Content-Type", content=b"a", headers={"Content-Type": "text/csv"}),
        bad("a parameter", path, 400, "limit", json={}, params={"limit": "1"}),
        bad("an unknown name", f"{route}/nothing", 404, "name", "nothing", json={}),
        bad("a name that is too long", f"{route}/{'x' * 3000}", 404, "name", json={}),
        bad("a name that is no UTF-8", f"{route}/%FF%00", 404, "name", json={}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "case", [*listing_cases(EVENTS), *listing_cases(PROPERTIES), *change_cases(EVENTS), *change_cases(PROPERTIES)], ids=str
)
def test_bad_input_is_refused_with_the_field_named(full: Api, case: Bad) -> None:
    full.send(event("known", properties={"known": 1}))
    check_refusal(full.http.request(case.method, case.path, **case.sent), case)
