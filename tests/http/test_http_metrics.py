"""What `/metrics` says of events: which state each of them is in."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from http_rig import Api, event, running

LINE = re.compile(r'^(sv_events(?:_\w+)?(?:\{state="\w+"\})?) (\d+)$', re.MULTILINE)


def books(api: Api) -> dict[str, int]:
    found = {name: int(number) for name, number in LINE.findall(api.http.get("/metrics").text)}
    assert found["sv_events_imbalance"] == 0
    return {re.sub(r'sv_events_?|\{state="|"\}|_total', "", name): number for name, number in found.items()}


def test_each_event_is_counted_in_the_state_that_it_is_in() -> None:
    with running("dev") as server, Api(server) as api:
        again = str(uuid4())
        api.send(event("a", eventId=again), event("b"), event("c", "bob"))
        api.send(event("a", at=1, eventId=again))
        assert books(api)["queued"] == 4
        assert len(api.listed()) == 3
        found = books(api)
        assert (found["accepted"], found["queued"], found["repeated"]) == (4, 3, 1)
        assert api.http.post(api.path("persons/bob/erase")).status_code == 202
        while api.http.get(api.path("jobs")).json()["data"][0]["status"] != "done":
            pass
        found = books(api)
        assert (found["accepted"], found["stored"], found["repeated"], found["removed"]) == (4, 2, 1, 1)
        api.send(event("d"))
        api.reset()
        found = books(api)
        assert (found["accepted"], found["stored"], found["queued"], found["removed"]) == (5, 0, 0, 4)


def test_retries_and_queries_are_counted(full: Api) -> None:
    body = b'{"projectToken":"sv_pub_dev","events":[{"event":"retried","userId":"ann","timestamp":1749988800000}]}'
    full.post_raw(body)
    before = full.metric("sv_ingest_retried_events_total")
    full.post_raw(body)
    assert full.metric("sv_ingest_retried_events_total") == before + 1
    name = 'sv_query_seconds_count{kind="query"}'
    asked = full.metric(name)
    full.trends(events=[{"name": "retried"}], date_from="2025-06-15", date_to="2025-06-15")
    assert full.metric(name) == asked + 1
    assert full.metric('sv_query_seconds_bucket{kind="query",le="+Inf"}') == asked + 1


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, "page"),
        ({"event": "e"}, "page"),
        ({"filters": '[{"property":"p","operator":"is_set"}]'}, "search"),
        ({"action_id": "{action}"}, "search"),
    ],
    ids=["all", "of a name", "of a filter", "of a smart event"],
)
def test_pages_with_a_filter_stand_in_a_line_of_their_own(full: Api, parameters: dict[str, str], kind: str) -> None:
    made = full.http.post(full.path("action_definitions"), json={"name": f"e {uuid4()}", "rules": [{"event": "e"}]})
    parameters = {name: value.replace("{action}", made.raise_for_status().json()["id"]) for name, value in parameters.items()}
    asked = {each: full.metric(f'sv_query_seconds_count{{kind="{each}"}}') for each in ("page", "search")}
    full.http.get(full.path("events"), params=parameters).raise_for_status()
    asked[kind] += 1
    assert {each: full.metric(f'sv_query_seconds_count{{kind="{each}"}}') for each in asked} == asked


def test_memory_is_told_and_what_of_it_funnels_keep() -> None:
    with running("dev", environment={"SV_FLUSH_SECONDS": "0.05"}) as server, Api(server) as api:
        api.send(event("a"), event("b"))
        while not api.metric("sv_parts"):
            pass
        assert 20e6 < api.metric("sv_resident_bytes") < 2e9
        assert api.metric("sv_kept_bytes") == 0
        api.funnel(steps=[{"event": "a"}, {"event": "b"}], conversion_window="1d", date_from="2025-06-15", date_to="2025-06-15")
        assert 0 < api.metric("sv_kept_bytes") < 2000


def test_a_disk_that_fills_is_told_of_and_health_is_kept(tmp_path: Path) -> None:
    bounds = {"SV_DISK_BUDGET": "64KiB", "SV_DISK_FREE_WARNING": "1024TiB"}
    with running("dev", "--data", str(tmp_path / "data"), environment=bounds) as server, Api(server) as api:
        while "warnings" not in (answer := api.http.get("/healthz")).json():
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert ["SV_DISK_BUDGET" in answer.text, "SV_DISK_FREE_WARNING" in answer.text] == [True, True]
        assert api.metric('sv_disk_warning{of="budget"}') == api.metric('sv_disk_warning{of="free"}') == 1
        assert api.metric("sv_disk_budget_bytes") == 65536 < api.metric("sv_data_bytes")
        assert 0 < api.metric("sv_disk_free_bytes") < api.metric("sv_disk_bytes")
        api.send(event())
        while len(told := [line for line in server.lines if "SV_DISK_" in line]) < 2:
            api.metric("sv_data_bytes")
        assert len(told) == 2
