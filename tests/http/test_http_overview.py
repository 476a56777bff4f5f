"""An overview over HTTP: its answer's fields, rows made filters, and what belongs to others."""

from typing import Any

from http_rig import HOUR, NOON, Api, event, iso

DAY_OF_NOON = {"date_from": "2025-06-15", "date_to": "2025-06-15", "interval": "day"}


def overview(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.http.post(api.path("insights/overview"), json={**DAY_OF_NOON, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def visit(person: str, at: int, url: str, **fields: Any) -> dict[str, Any]:
    properties = {"$current_url": url, **fields}
    return event("$pageview", person, at, sessionId=person, properties=properties)


def test_the_answer_has_these_fields_and_echoes_the_query(api: Api) -> None:
    api.send(visit("ann", NOON, "https://a.example/x"), visit("ann", NOON + HOUR, "https://a.example/y?utm_source=news"))
    found = overview(api, breakdowns=["pages", "entry_pages", "exit_pages", "utm_source"])
    assert isinstance(found.pop("elapsed_ms"), float | int)
    one = {"visitors": 1, "sessions": 1, "bounce_rate": 0.0, "duration_seconds": 3600.0}
    nothing = {"visitors": 0, "sessions": 0, "pageviews": 0, "bounce_rate": None, "duration_seconds": None}
    assert found == {
        "date_from": iso(NOON - 12 * HOUR),
        "date_to": iso(NOON + 12 * HOUR),
        "labels": [iso(NOON - 12 * HOUR)],
        "timezone": "UTC",
        "interval": "day",
        "totals": {**one, "pageviews": 2, "views_per_session": 2.0},
        "series": {name: [value] for name, value in {**one, "pageviews": 2}.items()},
        "previous": {
            "date_from": iso(NOON - 36 * HOUR),
            "date_to": iso(NOON - 12 * HOUR),
            "labels": [iso(NOON - 36 * HOUR)],
            "totals": {**nothing, "views_per_session": None},
            "series": {name: [value] for name, value in nothing.items()},
        },
        "live_visitors": 0,
        "tables": {
            "pages": [{"value": "/x", "visitors": 1, "pageviews": 1}, {"value": "/y", "visitors": 1, "pageviews": 1}],
            "entry_pages": [{"value": "/x", **one}],
            "exit_pages": [{"value": "/y", **one}],
            "utm_source": [{"value": None, **one}],
        },
    }


def test_an_event_that_has_just_been_sent_is_live(api: Api) -> None:
    api.send(event("view", "ann", ...))
    assert overview(api)["live_visitors"] == 1


def test_a_row_made_a_filter_shows_all_pages_of_those_sessions(api: Api) -> None:
    api.send(
        visit("ann", NOON, "https://a.example/", **{"$referrer": "https://news.example/1"}),
        visit("ann", NOON + HOUR, "https://a.example/buy", **{"$referrer": "https://a.example/"}),
        visit("bob", NOON, "https://a.example/"),
    )
    found = overview(api, filters=[{"property": "$referring_domain", "value": "news.example"}])
    assert [(row["value"], row["pageviews"]) for row in found["tables"]["pages"]] == [("/", 1), ("/buy", 1)]
    assert [row["value"] for row in found["tables"]["referrers"]] == ["news.example"]
    assert overview(api, filters=[{"property": "$entry_page", "value": "/"}])["totals"]["sessions"] == 2


def test_a_table_has_no_more_rows_than_were_asked_for(api: Api) -> None:
    api.send(*(visit(f"p{n}", NOON, f"https://a.example/{n:02d}") for n in range(30)))
    assert len(overview(api)["tables"]["pages"]) == 10
    assert [row["value"] for row in overview(api, breakdown_limit=3)["tables"]["pages"]] == ["/00", "/01", "/02"]


def test_nothing_of_another_project_counts(api: Api) -> None:
    made = api.http.post("/api/v1/projects", json={"name": "Other"}).json()
    other = Api(api.server, made["id"], project_token=made["project_token"])
    other.send(visit("ann", NOON, "https://b.example/"), event("view", "ann", ...))
    found = overview(api)
    assert (found["totals"]["visitors"], found["live_visitors"], found["tables"]["pages"]) == (0, 0, [])
    assert overview(other)["totals"]["visitors"] == 1
    other.http.close()
