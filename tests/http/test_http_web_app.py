"""The web app's files are given out, and only to those who ask for a page: the API's callers get JSON, whatever they mistype."""

import re
import socket

from http_rig import Api

HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_an_address_that_is_not_the_apis_is_answered_with_html_to_a_browser_and_with_json_to_a_program(full: Api) -> None:
    for path in ("/", "/events", "/persons/gus%2F1"):
        assert full.http.get(path, headers=HTML).headers["content-type"] == "text/html; charset=utf-8", path
    refused = full.http.get("/events", headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()) == (404, {"error": "no such route", "code": "NOT_FOUND"})


def test_an_unknown_route_of_the_api_is_json_for_a_browser_too(full: Api) -> None:
    for path in ("/api/v1/nowhere", "/api/nowhere", "/schema/nowhere", "/metrics/nowhere"):
        assert full.http.get(path, headers=HTML).json()["code"] == "NOT_FOUND", path


def test_the_page_allows_no_inline_script_no_other_origin_and_no_frame_around_it(full: Api) -> None:
    policy = full.http.get("/", headers=HTML).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", full.http.get("/", headers=HTML).text)


def test_the_frame_for_recordings_allows_no_script_no_request_and_no_frame_of_others(full: Api) -> None:
    frame = full.http.get("/replay-frame")
    policy = dict(part.strip().partition(" ")[::2] for part in frame.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "font-src": "data:",
        "media-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-same-origin",
    }
    assert frame.headers["content-type"] == "text/html; charset=utf-8"
    assert (frame.headers["x-frame-options"], frame.headers["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")
    assert "<script" not in frame.text
    head, posted = full.http.head("/replay-frame"), full.http.post("/replay-frame")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(frame.content)))
    assert (posted.status_code, posted.json()["code"], posted.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "GET, HEAD")


def test_only_reading_methods_are_taken(full: Api) -> None:
    posted = full.http.post("/")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    assert full.http.post("/events", headers=HTML).status_code == 404
    head = full.http.head("/", headers=HTML)
    assert (head.content, int(head.headers["content-length"]) > 0) == (b"", True)


def test_a_path_out_of_the_folder_leads_nowhere(full: Api) -> None:
    for path in ("/assets/../../__init__.py", "/assets/%2e%2e/%2e%2e/app.py", "//etc/passwd", "/assets/none.js"):
        assert full.http.get(path).status_code == 404, path


def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_no_fault_of_the_server(full: Api) -> None:
    host, port = full.server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as caller:
        caller.sendall(
            f"POST {full.path('insights/trends')} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer sv_dev\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
    for _ in range(20):
        assert full.http.get("/healthz").status_code == 200
