"""Smart events over HTTP: made, listed, changed, tried, used in queries, and kept from being deleted under those who use them."""

from typing import Any

import httpx
import pytest
from http_rig import DAY, MINUTE, NOON, Api, event, story

JUNE = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
BUTTON = [
    {"tag": "span", "text": "Buy"},
    {"tag": "button", "id": "buy", "classes": ["btn"]},
    {"tag": "form", "classes": ["checkout"]},
]
LINK = [{"tag": "a", "attributes": {"href": "/pricing"}, "text": " Our\n prices "}, {"tag": "nav"}]


def make(api: Api, name: str = "Bought", *rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"name": name, "rules": list(rules) or [{"event": "buy"}], **fields}
    answer = api.http.post(api.path("action_definitions"), json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def save(api: Api, *action_ids: str, name: str = "Weekly") -> str:
    body = {"name": name, "kind": "trends", "query": {"events": [{"action_id": each} for each in action_ids]}}
    answer = api.http.post(api.path("insights"), json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def one(api: Api, made: dict[str, Any] | str, kind: str = "action_definitions") -> str:
    return api.path(f"{kind}/{made if isinstance(made, str) else made['id']}")


def preview(api: Api, *rules: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = api.http.post(api.path("action_definitions/preview"), json={"rules": list(rules), **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["code"], body["error"]


# ---- Made, listed, changed ----


def test_a_smart_event_is_made_read_and_listed(api: Api) -> None:
    made = make(api, " Bought ", {"event": "buy"}, {"selector": "#buy", "text": "Buy"}, description="any\ntext")
    assert made == {
        "id": made["id"],
        "name": "Bought",
        "description": "any\ntext",
        "rules": [
            {"event": "buy", "filters": [], "url": None, "url_match": None, "selector": None, "text": None},
            {"event": None, "filters": [], "url": None, "url_match": None, "selector": "#buy", "text": "Buy"},
        ],
        "archived": False,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert api.http.get(one(api, made)).json() == made
    listed = api.http.get(api.path("action_definitions")).json()
    assert listed == {"data": [made], "meta": {"next_cursor": None, "has_more": False}}


def test_pages_are_newest_first_and_leave_archived_ones_out(api: Api) -> None:
    made = [make(api, str(n)) for n in range(5)]
    assert api.http.patch(one(api, made[2]), json={"archived": True}).json()["archived"] is True
    for include, expected in ("true", {0, 1, 2, 3, 4}), ("false", {0, 1, 3, 4}):
        seen: list[str] = []
        parameters = {"limit": "2", "include_archived": include}
        while True:
            page = api.http.get(api.path("action_definitions"), params=parameters).json()
            seen += [each["name"] for each in page["data"]]
            if not page["meta"]["has_more"]:
                break
            parameters["cursor"] = page["meta"]["next_cursor"]
        assert sorted(seen) == sorted(str(n) for n in expected)


def test_a_change_applies_from_the_next_query_on(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m"))
    made = make(api)
    assert [each["event"] for each in api.listed(action_id=made["id"])] == ["buy"]
    changed = api.http.patch(one(api, made), json={"rules": [{"event": "view"}], "name": "Looked"}).json()
    assert (changed["name"], changed["version"], changed["created_at"]) == ("Looked", 2, made["created_at"])
    assert [each["event"] for each in api.listed(action_id=made["id"])] == ["view"]


def test_a_name_that_is_taken_is_a_conflict_until_its_owner_is_archived(api: Api) -> None:
    made = make(api)
    again = {"name": "Bought", "rules": [{"event": "x"}]}
    taken = (409, "CONFLICT", 'another smart event of this project is called "Bought" (name)')
    assert refusal(api.http.post(api.path("action_definitions"), json=again)) == taken
    api.http.patch(one(api, made), json={"archived": True})
    other = make(api, "Bought")
    assert other["id"] != made["id"]
    assert api.http.patch(one(api, made), json={"archived": False}).status_code == 409


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"url": "(", "url_match": "regex"}, "rules[0].url"),
        ({"filters": [{"property": "a", "operator": "regex", "value": "["}]}, "rules[0].filters[0].value"),
        ({"selector": "a:hover"}, "rules[0].selector"),
    ],
)
def test_what_could_never_be_asked_is_not_saved(api: Api, rule: dict[str, Any], field: str) -> None:
    for route, body in (("action_definitions", {"name": "n"}), ("action_definitions/preview", {})):
        answer = api.http.post(api.path(route), json=body | {"rules": [rule]})
        assert answer.status_code == 422
        assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert api.http.get(api.path("action_definitions")).json()["data"] == []


def test_what_is_not_there_is_404(api: Api) -> None:
    nothing = one(api, "nothing")
    for answer in (
        api.http.get(nothing),
        api.http.patch(nothing, json={"name": "x"}),
        api.http.delete(nothing),
        api.http.post(f"{nothing}/preview"),
    ):
        assert refusal(answer) == (404, "NOT_FOUND", 'no smart event "nothing" (action_id)')


# ---- What they mean ----


def test_rules_mean_what_they_say(api: Api) -> None:
    urls = ["https://x.example/pricing/?a=1", "https://x.example/PRICING", "https://x.example/blog", None]
    for n, url in enumerate(urls):
        properties = {} if url is None else {"$current_url": url}
        api.send(event(f"page{n}", "ann", NOON + n, properties=properties))
    api.send(event("$click", "ann", NOON + 8, properties={"$elements": BUTTON}))
    api.send(event("$click", "ann", NOON + 9, properties={"$elements": LINK}))
    for rule, expected in (
        ({"url": "/pricing"}, ["page0"]),
        ({"url": "/pricing", "url_match": "contains"}, ["page1", "page0"]),
        ({"url": "x.example/b", "url_match": "contains"}, ["page2"]),
        ({"url": "/(blog|PRICING)$", "url_match": "regex"}, ["page2", "page1"]),
        ({"selector": "form.checkout > #buy"}, ["$click"]),
        ({"selector": "form > span"}, []),
        ({"selector": "form span, nav"}, ["$click", "$click"]),
        ({"text": "Our prices"}, ["$click"]),
        ({"selector": "nav > a[href='/pricing']", "text": "Our prices", "event": "$click"}, ["$click"]),
        ({"selector": "nav", "text": "Our prices"}, []),
        ({"event": "page0", "url": "/blog"}, []),
    ):
        found = preview(api, rule)
        assert [each["event"] for each in found["events"]] == expected, rule
        assert found["count"] == len(expected)


def test_a_preview_counts_all_and_shows_the_newest(api: Api) -> None:
    api.send(*[event("buy", "ann", NOON + n * MINUTE) for n in range(30)], event("view"))
    found = preview(api, {"event": "buy"}, {"event": "no such"})
    assert found["count"] == 30
    assert [each["timestamp"][14:16] for each in found["events"]] == [str(n) for n in range(29, 19, -1)]
    assert preview(api, {"event": "buy"}, limit=0) == {"count": 30, "events": []}
    assert preview(api, {"event": "buy"}, date_from="2025-06-15T12:25:00Z", limit=1)["count"] == 5
    assert preview(api, {"event": "no such"}) == {"count": 0, "events": []}


def test_a_saved_one_is_previewed_by_its_own_rules_or_by_those_in_the_body(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m, buy@2m"))
    made = make(api)
    own = api.http.post(f"{one(api, made)}/preview").json()
    assert own["count"] == 2
    assert api.http.post(f"{one(api, made)}/preview", json={"limit": 1}).json() == {**own, "events": own["events"][:1]}
    assert api.http.post(f"{one(api, made)}/preview", json={"rules": [{"event": "view"}]}).json()["count"] == 1
    assert api.http.get(one(api, made)).json() == made


# ---- In queries ----


def test_trends_and_funnels_take_one_wherever_they_take_an_event(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m; bob: view@0m, order@2m; cid: view@0m, other@1m"))
    made = make(api, "Paid", {"event": "buy"}, {"event": "order"})
    (series,) = api.trends(events=[{"action_id": made["id"], "math": "unique_persons"}], **JUNE, interval="month")["series"]
    assert (series["event"], series["action_id"], series["values"], series["total"]) == ("Paid", made["id"], [2], 2)
    steps = api.funnel(steps=[{"event": "view"}, {"action_id": made["id"]}], **JUNE)["steps"]
    assert [(step["event"], step["count"], step.get("action_id")) for step in steps] == [
        ("view", 3, None),
        ("Paid", 2, made["id"]),
    ]
    first = api.funnel(steps=[{"action_id": made["id"]}, {"event": "view"}], breakdown="$browser", **JUNE)
    assert [step["count"] for step in first["breakdowns"][0]["steps"]] == [2, 0]
    filtered = [{"action_id": made["id"], "properties": {"plan": "pro"}}]
    assert api.trends(events=filtered, **JUNE)["series"][0]["total"] == 0


def test_an_archived_one_goes_on_working(api: Api) -> None:
    api.send(*story("ann: buy@1m"))
    made = make(api)
    api.http.patch(one(api, made), json={"archived": True})
    assert len(api.listed(action_id=made["id"])) == 1
    assert api.trends(events=[{"action_id": made["id"]}], **JUNE)["series"][0]["total"] == 1


def test_a_list_by_a_smart_event_is_paged_like_any(api: Api) -> None:
    api.send(*[event("buy" if n % 3 else "view", "ann", NOON - n * DAY) for n in range(12)])
    made = make(api)
    found = api.listed(action_id=made["id"], limit=3)
    assert [each["id"] for each in found] == [each["id"] for each in api.listed(event="buy")]
    assert len(found) == 8


def test_an_unknown_one_is_refused_by_its_path(api: Api) -> None:
    answer = api.http.get(api.path("events"), params={"action_id": "nothing"})
    unknown = 'action_id: expected the id of a smart event of this project, got "nothing"'
    assert refusal(answer) == (400, "INVALID_PARAMETER", unknown)
    both = api.http.get(api.path("events"), params={"action_id": "nothing", "event": "view"})
    assert refusal(both) == (400, "INVALID_PARAMETER", "action_id: expected either event or action_id, got both")
    body = {"steps": [{"event": "a"}, {"action_id": "x"}, {"action_id": "y"}]}
    details = api.http.post(api.path("insights/funnel"), json=body).json()["details"]
    assert [detail["field"] for detail in details] == ["steps[1].action_id", "steps[2].action_id"]


# ---- Saved insights ----


def test_one_in_use_is_not_deleted_and_the_answer_names_what_uses_it(api: Api) -> None:
    made = make(api)
    first, second = save(api, made["id"]), save(api, made["id"], name="Monthly")
    answer = refusal(api.http.delete(one(api, made)))
    assert answer[:2] == (409, "CONFLICT")
    assert f'the saved insight "Monthly" ({second}), the saved insight "Weekly" ({first})' in answer[2]
    assert api.http.delete(one(api, first, "insights")).status_code == 204
    changed = api.http.patch(one(api, second, "insights"), json={"query": {"events": [{"name": "buy"}]}})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    gone = api.http.delete(one(api, made))
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.http.get(one(api, made)).status_code == 404


def test_a_saved_insight_is_what_was_sent_and_can_be_asked(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m"))
    query = {"steps": [{"event": "view"}, {"event": "buy"}], "modes": ["strict_order"], **JUNE}
    body = {"name": "Sold", "kind": "funnel", "query": query}
    made = api.http.post(api.path("insights"), json=body).json()
    assert (made["name"], made["kind"], made["query"], made["description"], made["version"]) == ("Sold", "funnel", query, "", 1)
    assert api.http.get(one(api, made, "insights")).json() == made
    assert api.http.get(api.path("insights")).json()["data"] == [made]
    assert api.funnel(**made["query"])["conversion_rate"] == 1
    for change, field in (
        ({"query": {"events": [{"name": "a"}]}}, "query.steps"),
        ({"query": query | {"filters": [{"property": "a", "operator": "regex", "value": "("}]}}, "query.filters[0].value"),
        ({"query": query | {"steps": [{"event": "a"}, {"action_id": "nothing"}]}}, "query.steps[1].action_id"),
        ({"kind": "trends"}, "kind"),
    ):
        answer = api.http.patch(one(api, made, "insights"), json=change)
        assert answer.status_code == 422
        assert field in [detail["field"] for detail in answer.json()["details"]]
    assert api.http.get(one(api, made, "insights")).json() == made


def test_two_of_one_name_are_two_insights(api: Api) -> None:
    smart = make(api)["id"]
    ids = {save(api, smart), save(api, smart)}
    assert {each["id"] for each in api.http.get(api.path("insights")).json()["data"]} == ids
    page = api.http.get(api.path("insights"), params={"limit": 1}).json()
    rest = api.http.get(api.path("insights"), params={"limit": 1, "cursor": page["meta"]["next_cursor"]}).json()
    assert {page["data"][0]["id"], rest["data"][0]["id"]} == ids
    assert rest["meta"] == {"next_cursor": None, "has_more": False}
