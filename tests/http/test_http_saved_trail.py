"""What the audit trail says of smart events, saved insights and the names of events and properties."""

from typing import Any

import pytest
from http_rig import Api, event

SECRET = "ann@example.com"
RULES = [{"event": "buy", "filters": [{"property": "email", "operator": "exact", "value": SECRET}]}]
QUERY = {"events": [{"name": "buy"}], "filters": RULES[0]["filters"]}
KINDS = {
    "smart_event": ("action_definitions", {"rules": RULES}, {"archived": False}),
    "insight": ("insights", {"kind": "trends", "query": QUERY}, {"kind": "trends"}),
}


def trail(api: Api, target_id: str) -> list[tuple[Any, ...]]:
    """Newest first: what was done, by which token, and from what to what."""
    entries = [e for e in api.http.get(api.path("audit")).json()["data"] if e["target"]["id"] == target_id]
    return [(e["action"], e["actor"]["kind"], e["target"]["name"], e["before"], e["after"]) for e in entries]


@pytest.mark.parametrize("kind", KINDS)
def test_who_makes_changes_and_deletes_one_is_in_the_trail_without_what_it_says_of_persons(api: Api, kind: str) -> None:
    path, said, told = KINDS[kind]
    made = api.http.post(api.path(path), json={"name": "Bought", **said})
    assert made.status_code == 201, made.text
    made_id = made.json()["id"]
    one = api.path(f"{path}/{made_id}")
    again = {name: value for name, value in said.items() if name != "kind"}
    assert api.http.patch(one, json={"name": "Sold"}).status_code == 200
    assert api.http.patch(one, json=again).status_code == 200
    assert api.http.delete(one).status_code == 204
    found = trail(api, made_id)
    assert found == [
        (f"{kind}.delete", "api_token", "Sold", {"name": "Sold", "description": "", "version": 3, **told}, None),
        (f"{kind}.update", "api_token", "Sold", {"version": 2}, {"version": 3}),
        (f"{kind}.update", "api_token", "Sold", {"name": "Bought", "version": 1}, {"name": "Sold", "version": 2}),
        (f"{kind}.create", "api_token", "Bought", None, {"name": "Bought", "description": "", "version": 1, **told}),
    ]
    assert SECRET not in str(found)


def test_what_is_refused_is_not_in_the_trail(api: Api) -> None:
    smart = api.http.post(api.path("action_definitions"), json={"name": "Bought", "rules": RULES}).json()
    query = {"events": [{"action_id": smart["id"]}]}
    insight = api.http.post(api.path("insights"), json={"name": "Weekly", "kind": "trends", "query": query}).json()
    other = api.http.post(api.path("action_definitions"), json={"name": "Sold", "rules": RULES}).json()
    assert api.http.post(api.path("dashboards"), json={"name": "d", "tiles": [{"insight_id": insight["id"]}]}).status_code == 201
    refused = [
        api.http.delete(api.path(f"action_definitions/{smart['id']}")),
        api.http.patch(api.path(f"action_definitions/{other['id']}"), json={"name": "Bought"}),
        api.http.delete(api.path(f"insights/{insight['id']}")),
    ]
    assert [answer.status_code for answer in refused] == [409, 409, 409]
    assert [[entry[0] for entry in trail(api, each["id"])] for each in (smart, other, insight)] == [
        ["smart_event.create"],
        ["smart_event.create"],
        ["insight.create"],
    ]


@pytest.mark.parametrize(("path", "name"), [("event_definitions", "a name's buy"), ("property_definitions", "a name's plan")])
def test_what_an_owner_says_of_a_name_is_in_the_trail_once_for_each_change(api: Api, path: str, name: str) -> None:
    # A reset keeps the trail, which other tests write to as well: no other has these names.
    api.send(event("a name's buy", properties={"a name's plan": "pro"}))
    one = api.path(f"{path}/{name}")
    for change in ({"description": "Paid", "is_verified": True}, {"is_verified": True}, {"description": ""}):
        assert api.http.patch(one, json=change).status_code == 200
    assert api.http.patch(api.path(f"{path}/nothing"), json={"is_hidden": True}).status_code == 404
    action = f"{path.removesuffix('s')}.update"
    assert trail(api, name) == [
        (action, "api_token", name, {"description": "Paid"}, {"description": None}),
        (action, "api_token", name, {"description": None, "is_verified": False}, {"description": "Paid", "is_verified": True}),
    ]
    assert trail(api, "nothing") == []


def test_a_change_that_names_nothing_is_answered_with_what_is_there_and_leaves_no_trace(api: Api) -> None:
    api.send(event("of nothing", properties={"of nothing": 1}))
    smart = api.http.post(api.path("action_definitions"), json={"name": "Bought", "rules": RULES}).json()
    insight = api.http.post(api.path("insights"), json={"name": "Weekly", "kind": "trends", "query": QUERY}).json()
    board = api.http.post(api.path("dashboards"), json={"name": "d", "tiles": [{"insight_id": insight["id"]}]}).json()
    user = api.http.post("/api/v1/users", json={"email": "of.nothing@example.com"}).json()
    api.http.post(api.path("members"), json={"email": "of.nothing@example.com", "role": "editor"}).raise_for_status()
    found = {
        path: api.http.get(path).json()
        for path in (
            *(
                api.path(f"{kind}/{made['id']}")
                for kind, made in (("action_definitions", smart), ("insights", insight), ("dashboards", board))
            ),
            api.path("").rstrip("/"),
            f"/api/v1/users/{user['id']}",
        )
    }
    for kind in ("event_definitions", "property_definitions"):
        (named,) = api.http.get(api.path(kind), params={"search": "of nothing"}).json()["data"]
        found[api.path(f"{kind}/of nothing")] = named
    (member,) = [each for each in api.http.get(api.path("members")).json()["data"] if each["user_id"] == user["id"]]
    found[api.path(f"members/{user['id']}")] = member
    before = api.http.get("/api/v1/audit").json()["data"]
    for path, there in found.items():
        answer = api.http.patch(path, json={})
        assert (answer.status_code, answer.json()) == (200, there), path
    assert api.http.get("/api/v1/audit").json()["data"] == before
    api.http.delete(f"/api/v1/users/{user['id']}").raise_for_status()
