"""Dashboards over HTTP: made, arranged, looked at and taken away; by whom; and what the audit trail says of it."""

from typing import Any

import pytest
from bad_input import error_of
from http_rig import Api

VISITS = {"name": "Visits", "kind": "trends", "query": {"events": [{"name": "view"}], "date_from": "-7d"}}


def insight(api: Api, name: str = "Visits") -> dict[str, Any]:
    answer = api.http.post(api.path("insights"), json={**VISITS, "name": name})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def board(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.http.post(api.path("dashboards"), json={"name": "Mondays", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def one(api: Api, made: dict[str, Any]) -> str:
    return api.path(f"dashboards/{made['id']}")


def test_a_dashboard_has_what_its_tiles_ask_and_each_can_be_asked(api: Api) -> None:
    visits = insight(api)
    made = board(
        api,
        description="First.",
        tiles=[{"insight_id": visits["id"], "title": " People ", "layout": {"x": 6, "y": 1, "w": 6, "h": 3}}],
    )
    assert (made["name"], made["description"], made["version"], made["tile_count"]) == ("Mondays", "First.", 1, 1)
    tile = {"insight_id": visits["id"], "title": "People", "layout": {"x": 6, "y": 1, "w": 6, "h": 3}, "insight": visits}
    assert made["tiles"] == [tile]
    assert api.http.get(one(api, made)).json() == made
    listed = api.http.get(api.path("dashboards")).json()
    assert listed["data"] == [{name: value for name, value in made.items() if name != "tiles"}]
    asked = api.http.post(api.path(f"insights/{tile['insight']['kind']}"), json=tile["insight"]["query"])
    assert asked.status_code == 200


def test_a_tile_without_a_layout_goes_below_those_before_it(api: Api) -> None:
    visits = insight(api)["id"]
    high = {"insight_id": visits, "layout": {"x": 2, "y": 3, "w": 1, "h": 7}}
    made = board(api, tiles=[{"insight_id": visits}, high, {"insight_id": visits}, {"insight_id": visits, "title": None}])
    assert [tile["layout"] for tile in made["tiles"]] == [
        {"x": 0, "y": 0, "w": 6, "h": 4}, high["layout"], {"x": 0, "y": 10, "w": 6, "h": 4}, {"x": 0, "y": 14, "w": 6, "h": 4},
    ]  # fmt: skip


def test_a_change_leaves_what_it_does_not_name(api: Api) -> None:
    made = board(api, tiles=[{"insight_id": insight(api)["id"]}])
    renamed = api.http.patch(one(api, made), json={"name": "Tuesdays"}).json()
    assert renamed == {**made, "name": "Tuesdays", "version": 2, "updated_at": renamed["updated_at"]}
    emptied = api.http.patch(one(api, made), json={"tiles": [], "description": "x"}).json()
    assert (emptied["tiles"], emptied["tile_count"], emptied["name"], emptied["version"]) == ([], 0, "Tuesdays", 3)
    assert api.http.delete(one(api, made)).status_code == 204
    assert api.http.get(one(api, made)).status_code == 404


def test_an_insight_on_a_dashboard_is_not_deleted_and_one_that_changes_changes_there(api: Api) -> None:
    visits = insight(api)
    made = board(api, tiles=[{"insight_id": visits["id"]}])
    refused = error_of(api.http.delete(api.path(f"insights/{visits['id']}")), 409)
    assert refused["error"] == f'saved insight "{visits["id"]}" is on the dashboard "Mondays" ({made["id"]}); take it off first'
    api.http.patch(api.path(f"insights/{visits['id']}"), json={"name": "Views"})
    assert api.http.get(one(api, made)).json()["tiles"][0]["insight"]["name"] == "Views"
    assert api.http.patch(one(api, made), json={"tiles": []}).status_code == 200
    assert api.http.delete(api.path(f"insights/{visits['id']}")).status_code == 204


def test_what_is_wrong_with_a_dashboard_is_named(api: Api) -> None:
    visits = insight(api)["id"]
    good = {"x": 0, "y": 0, "w": 1, "h": 1}
    cases: list[tuple[Any, str]] = [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": "n", "description": 5}, "description"),
        ({"name": "n", "description": "d" * 1001}, "description"),
        ({"name": "n", "tiles": {}}, "tiles"),
        ({"name": "n", "tiles": [{"insight_id": visits}] * 51}, "tiles"),
        ({"name": "n", "tiles": ["x"]}, "tiles[0]"),
        ({"name": "n", "tiles": [{}]}, "tiles[0].insight_id"),
        ({"name": "n", "tiles": [{"insight_id": visits}, {"insight_id": 5}]}, "tiles[1].insight_id"),
        ({"name": "n", "tiles": [{"insight_id": visits}, {"insight_id": "nothing"}]}, "tiles[1].insight_id"),
        ({"name": "n", "tiles": [{"insight_id": visits, "title": ""}]}, "tiles[0].title"),
        ({"name": "n", "tiles": [{"insight_id": visits, "size": 1}]}, "tiles[0].size"),
        ({"name": "n", "tiles": [{"insight_id": visits, "layout": []}]}, "tiles[0].layout"),
        *(
            ({"name": "n", "tiles": [{"insight_id": visits, "layout": {**good, name: value}}]}, f"tiles[0].layout.{name}")
            for name, values in {"x": [-1, 12, 0.5, "0", None], "y": [-1, 1001], "w": [0, 13], "h": [0, 21], "z": [1]}.items()
            for value in values
        ),
        ({"name": "n", "tiles": [{"insight_id": visits, "layout": {**good, "x": 8, "w": 5}}]}, "tiles[0].layout.w"),
        ({"name": "n", "kind": "x"}, "kind"),
        ([], "body"),
    ]
    made = board(api)
    for body, field in cases:
        refused = error_of(api.http.post(api.path("dashboards"), json=body), 422)
        assert [detail["field"] for detail in refused["details"]] == [field], body
        if field != "name" or body:
            assert error_of(api.http.patch(one(api, made), json=body), 422)["details"][0]["field"] == field
    assert api.http.get(one(api, made)).json() == made
    assert len(api.http.get(api.path("dashboards")).json()["data"]) == 1


def test_viewers_look_and_editors_arrange(api: Api) -> None:
    made = board(api)
    tokens = {
        scope: api.http.post("/api/v1/api_tokens", json={"name": scope, "project_id": "dev", "scopes": [scope]}).json()["token"]
        for scope in ("read", "write")
    }
    with Api(api.server, token=tokens["read"]).http as reader, Api(api.server, token=tokens["write"]).http as writer:
        assert reader.get(one(api, made)).json() == made
        assert reader.post(api.path("dashboards"), json={"name": "n"}).status_code == 403
        assert reader.patch(one(api, made), json={"name": "n"}).status_code == 403
        assert reader.delete(one(api, made)).status_code == 403
        assert writer.patch(one(api, made), json={"name": "n"}).status_code == 200


def test_dashboards_and_insights_of_another_project_are_not_there(api: Api) -> None:
    other = api.http.post("/api/v1/projects", json={"name": "Other"}).json()["id"]
    visits, made = insight(api), board(api)
    base = f"/api/v1/projects/{other}/dashboards"
    assert api.http.get(base).json()["data"] == []
    assert api.http.get(f"{base}/{made['id']}").status_code == 404
    assert api.http.patch(f"{base}/{made['id']}", json={"name": "x"}).status_code == 404
    assert api.http.delete(f"{base}/{made['id']}").status_code == 404
    assert api.http.post(base, json={"name": "n", "tiles": [{"insight_id": visits["id"]}]}).status_code == 422
    assert api.http.get(one(api, made)).json() == made


def test_the_trail_tells_who_made_changed_and_deleted_a_dashboard_and_not_how_tiles_were_moved(api: Api) -> None:
    visits = insight(api)["id"]
    made = board(api, tiles=[{"insight_id": visits}])
    api.http.patch(one(api, made), json={"tiles": [{"insight_id": visits, "layout": {"x": 1, "y": 1, "w": 1, "h": 1}}]})
    api.http.patch(one(api, made), json={"name": "Tuesdays", "tiles": []})
    api.http.delete(one(api, made))
    entries = [e for e in api.http.get(api.path("audit")).json()["data"] if e["target"]["id"] == made["id"]]
    tiles = [{"insight_id": visits, "title": None}]
    assert [(e["action"], e["target"]["name"], e["before"], e["after"]) for e in entries] == [
        ("dashboard.delete", "Tuesdays", {"name": "Tuesdays", "description": "", "tiles": []}, None),
        ("dashboard.update", "Tuesdays", {"name": "Mondays", "tiles": tiles}, {"name": "Tuesdays", "tiles": []}),
        ("dashboard.create", "Mondays", None, {"name": "Mondays", "description": "", "tiles": tiles}),
    ]


@pytest.mark.parametrize("limit", [1, 2])
def test_pages_of_dashboards_follow_each_other(api: Api, limit: int) -> None:
    ids = {board(api, name=f"d{n}")["id"] for n in range(3)}
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.http.get(api.path("dashboards"), params={"limit": limit, **cursor}).json()
        found += [each["id"] for each in page["data"]]
        if not page["meta"]["has_more"]:
            break
        cursor = {"cursor": page["meta"]["next_cursor"]}
    assert (set(found), len(found)) == (ids, 3)
