"""Projects by API: made, changed, given another token, deleted with all that is theirs."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from bad_input import error_of
from http_rig import INGEST, NOON, Api, Running, body_of, event, running, story
from recordings_rig import upload

GONE_WITHIN_S = 20.0


@pytest.fixture
def shop(api: Api) -> Iterator[Api]:
    """A client of a project of its own."""
    made = api.http.post("/api/v1/projects", json={"name": "Shop"}).json()
    with Api(api.server, made["id"], "sv_dev", made["project_token"]) as client:
        yield client
        assert client.failures == []


def files_of(server: Running, project: str) -> list[Path]:
    return [path for path in Path(server.ready["data"]).rglob("*") if path.is_file() and project in str(path)]


def wait_until_gone(server: Running, project: str) -> None:
    until = time.monotonic() + GONE_WITHIN_S
    while files_of(server, project):
        assert time.monotonic() < until, files_of(server, project)
        time.sleep(0.05)


def wait_until_unlisted(server: Running, distinct_id: str) -> None:
    """Until no list of persons, not even one that nobody reads any more, has the person."""
    until = time.monotonic() + GONE_WITHIN_S
    catalog = apsw.Connection(f"{server.ready['data']}/sv.db", flags=apsw.SQLITE_OPEN_READONLY)
    with contextlib.closing(catalog):
        while catalog.execute("select 1 from person_rollups where distinct_id = ?", (distinct_id,)).fetchall():
            assert time.monotonic() < until, distinct_id
            time.sleep(0.05)


UNSET = {
    "identity": "forward",
    "event_retention_days": None,
    "recording_retention_days": None,
    "autocapture": True,
    "respect_do_not_track": True,
    "recording_sample_rate": 0.0,
    "mask_all_inputs": True,
    "mask_all_text": False,
}


def settings_of(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.http.get(f"/api/v1/projects/{api.project}").json()["settings"]
    return found


def test_a_project_takes_events_from_the_moment_that_it_is_made(shop: Api) -> None:
    shop.send(event())
    assert len(shop.listed()) == 1
    assert settings_of(shop) == UNSET


def test_a_change_changes_what_it_names_and_nothing_else(shop: Api) -> None:
    path = f"/api/v1/projects/{shop.project}"
    changed = shop.http.patch(path, json={"settings": {"event_retention_days": 30}, "timezone": "Asia/Tokyo"}).json()
    assert (changed["name"], changed["timezone"]) == ("Shop", "Asia/Tokyo")
    shop.http.patch(path, json={"settings": {"identity": "merged"}})
    assert settings_of(shop) == UNSET | {"identity": "merged", "event_retention_days": 30}
    shop.http.patch(path, json={"settings": {"event_retention_days": None}})
    assert settings_of(shop)["event_retention_days"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"settings": {"store": True}}, "settings.store"),
        ({"settings": {"identity": "both"}}, "settings.identity"),
        ({"settings": {"event_retention_days": 0}}, "settings.event_retention_days"),
        ({"settings": {"recording_retention_days": 1.5}}, "settings.recording_retention_days"),
        ({"settings": {"autocapture": "no"}}, "settings.autocapture"),
        ({"settings": {"mask_all_inputs": 1}}, "settings.mask_all_inputs"),
        ({"settings": {"recording_sample_rate": 1.5}}, "settings.recording_sample_rate"),
        ({"settings": {"recording_sample_rate": -0.1}}, "settings.recording_sample_rate"),
        ({"settings": {"recording_sample_rate": "all"}}, "settings.recording_sample_rate"),
        ({"settings": {"recording_sample_rate": True}}, "settings.recording_sample_rate"),
        ({"settings": [1]}, "settings"),
        ({"id": "other"}, "id"),
    ],
)
def test_what_a_project_can_not_be_is_refused_by_the_name_of_the_field(shop: Api, body: dict[str, Any], field: str) -> None:
    before = shop.http.get(f"/api/v1/projects/{shop.project}").json()
    refused = error_of(shop.http.patch(f"/api/v1/projects/{shop.project}", json=body), 422)
    assert [detail["field"] for detail in refused["details"]] == [field]
    assert shop.http.get(f"/api/v1/projects/{shop.project}").json() == before


def test_an_old_project_token_is_good_for_the_overlap_and_no_longer(shop: Api) -> None:
    path = f"/api/v1/projects/{shop.project}"
    old = shop.project_token
    new = shop.http.post(f"{path}/rotate_token", json={}).json()["project_token"]
    shop.send(event("by the old one"))
    shop.project_token = new
    shop.send(event("by the new one", "ann", NOON + 1))
    tokens = shop.http.get(path).json()["project_tokens"]
    assert [(each["token"], each["expires_at"] is None) for each in tokens] == [(new, True), (old, False)]
    newest = shop.http.post(f"{path}/rotate_token", json={"overlap_hours": 0}).json()["project_token"]
    for token in (old, new):
        error_of(shop.http.post(INGEST, json=body_of([event()], token)), 401)
    assert [each["token"] for each in shop.http.get(path).json()["project_tokens"]] == [newest]


def test_project_tokens_are_shown_to_those_alone_who_administer_the_project(shop: Api) -> None:
    for scopes, is_shown in ((["read"], False), (["write"], False), (["admin"], True)):
        body = {"name": "t", "project_id": shop.project, "scopes": scopes}
        token = shop.http.post("/api/v1/api_tokens", json=body).json()["token"]
        seen = shop.http.get(f"/api/v1/projects/{shop.project}", headers={"Authorization": f"Bearer {token}"})
        assert (shop.project_token in seen.text) == is_shown


def test_a_deleted_project_is_gone_at_once_and_its_files_soon(api: Api, shop: Api) -> None:
    shop.send(*story("ann: view@0m, buy@1m; bob: view@3m"))
    upload(shop, b"[]", projectToken=shop.project_token)
    api.send(event("kept"))
    body = {"name": "t", "project_id": shop.project, "scopes": ["read"]}
    token = shop.http.post("/api/v1/api_tokens", json=body).json()["token"]
    path = f"/api/v1/projects/{shop.project}"
    assert shop.http.delete(path).status_code == 204
    error_of(shop.http.get(path), 404)
    error_of(shop.http.get(shop.path("events")), 404)
    error_of(shop.http.get(shop.path("events"), headers={"Authorization": f"Bearer {token}"}), 401)
    error_of(shop.post_events([event()]), 401)
    error_of(shop.http.delete(path), 404)
    assert shop.project not in [each["id"] for each in shop.http.get("/api/v1/projects").json()["data"]]
    error_of(shop.http.post("/api/v1/projects", json={"name": "Again", "id": shop.project}), 409)
    assert [each["event"] for each in api.listed()] == ["kept"]


def test_events_of_a_deleted_project_leave_the_disk_and_the_others_stay(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with running("dev", "--data", data, "--flush-seconds", "0.05") as server, Api(server) as api:
        made = api.http.post("/api/v1/projects", json={"name": "Shop", "id": "shop"}).json()
        with Api(server, "shop", "sv_dev", made["project_token"]) as shop:
            shop.send(*story("ann: view@0m, buy@1m; bob: view@3m"))
            api.send(event("kept"))
            until = time.monotonic() + GONE_WITHIN_S
            while not files_of(server, "project=shop") and time.monotonic() < until:
                time.sleep(0.02)
            assert files_of(server, "project=shop")
            assert len(shop.listed()) == 3
            assert len(shop.http.get(shop.path("persons")).json()["data"]) == 2
            assert shop.http.delete("/api/v1/projects/shop").status_code == 204
            wait_until_gone(server, "project=shop")
            wait_until_unlisted(server, "bob")
        assert [each["event"] for each in api.listed()] == ["kept"]
    with running("dev", "--data", data) as server, Api(server) as api:
        assert files_of(server, "project=shop") == []
        error_of(api.http.get("/api/v1/projects/shop/events"), 404)
        assert [each["event"] for each in api.listed()] == ["kept"]
