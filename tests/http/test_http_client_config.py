"""What a project's pages are told to do, and where the scripts are that do it."""

import pytest
from bad_input import error_of
from http_rig import Api, running

CONFIG = "/api/v1/ingest/config"
UNSET = {
    "autocapture": True,
    "respectDoNotTrack": True,
    "recordingSampleRate": 0.0,
    "maskAllInputs": True,
    "maskAllText": False,
    "scriptPath": "/sv.js",
    "recorderPath": "/recorder.js",
}
STRANGER = {"Authorization": "", "Origin": "https://shop.example"}


def config(api: Api, **headers: str) -> dict[str, object]:
    answer = api.http.get(CONFIG, params={"token": api.project_token}, headers=STRANGER | headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_pages_of_any_origin_are_told_the_settings_of_their_project_and_may_keep_them_for_minutes(api: Api) -> None:
    answer = api.http.get(CONFIG, params={"token": "sv_pub_dev"}, headers=STRANGER)
    assert answer.json() == UNSET
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_a_project_changes_is_told_at_once_and_another_project_is_not_changed(api: Api) -> None:
    made = api.http.post("/api/v1/projects", json={"id": "pages", "name": "Pages"}).json()
    changed = {
        "autocapture": False,
        "respect_do_not_track": False,
        "recording_sample_rate": 0.25,
        "mask_all_inputs": False,
        "mask_all_text": True,
    }
    tag = api.http.get(CONFIG, params={"token": made["project_token"]}).headers["etag"]
    assert api.http.patch("/api/v1/projects/pages", json={"settings": changed}).status_code == 200
    answer = api.http.get(CONFIG, params={"token": made["project_token"]}, headers=STRANGER | {"If-None-Match": tag})
    assert answer.json() == {
        "autocapture": False,
        "respectDoNotTrack": False,
        "recordingSampleRate": 0.25,
        "maskAllInputs": False,
        "maskAllText": True,
        "scriptPath": "/sv.js",
        "recorderPath": "/recorder.js",
    }
    assert config(api) == UNSET
    api.http.patch("/api/v1/projects/pages", json={"settings": {"recording_sample_rate": None, "autocapture": None}})
    assert api.http.get(CONFIG, params={"token": made["project_token"]}).json()["recordingSampleRate"] == 0.25
    api.http.delete("/api/v1/projects/pages")
    error_of(api.http.get(CONFIG, params={"token": made["project_token"]}), 401)


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_who_has_the_settings_already_gets_304(api: Api, known: str) -> None:
    tag = api.http.get(CONFIG, params={"token": "sv_pub_dev"}).headers["etag"]
    answer = api.http.get(CONFIG, params={"token": "sv_pub_dev"}, headers={"If-None-Match": known.format(tag=tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag


def test_a_browser_that_asks_first_is_told_that_it_may(api: Api) -> None:
    answer = api.http.options(CONFIG, headers=STRANGER | {"Access-Control-Request-Method": "GET"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_scripts_are_where_the_settings_put_them_and_nowhere_else() -> None:
    with (
        running("dev", "--port", "0", "--script-path", "/lib/a.js", "--recorder-path", "/lib/b.js") as server,
        Api(server) as api,
    ):
        assert (config(api)["scriptPath"], config(api)["recorderPath"]) == ("/lib/a.js", "/lib/b.js")
        for path in ("/sv.js", "/recorder.js"):
            assert error_of(api.http.get(path), 404)["error"] == "no such route"
        for path in ("/lib/a.js", "/lib/b.js", "/sv.d.ts"):
            answer = api.http.get(path, headers=STRANGER)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.status_code == 200 or "this build of the server has no" in answer.json()["error"]
