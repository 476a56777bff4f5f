"""What the framework refuses by itself is refused in the contract's words too: one shape of error, never HTML, on every route."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from http_rig import Api, Running

from sv.web import front
from tests.http.openapi.openapi_rig import PATH_VALUES, faults, routes
from tests.http.status_codes import STATUS_CODES

PATHS = {
    path: {route.method for route in routes() if route.path == path} for path in dict.fromkeys(route.path for route in routes())
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"]

OBJECT = "/api/v1/objects/{key}"
HEADS = (("HEAD", front.HEALTH), ("HEAD", OBJECT), ("HEAD", "/api/v1/ingest/config"))


@pytest.fixture(scope="module")
def stranger(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def check_error(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    if answer.request.method != "HEAD":
        body = answer.json()
        assert faults({"$ref": "#/components/schemas/Error"}, body) == []
        assert body["code"] == STATUS_CODES[status]


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_route_does_not_have_is_405_and_names_those_it_has(full: Api, stranger: httpx.Client, path: str) -> None:
    for method in METHODS:
        answer = stranger.request(method, path.format(**PATH_VALUES))
        if answer.status_code == 405:
            check_error(answer, 405)
            allowed = set(answer.headers["allow"].split(", "))
            assert PATHS[path] <= allowed
            assert method not in allowed
            if method != "HEAD":
                expected, _, got = answer.json()["error"].removeprefix("expected ").partition(", got ")
                assert (PATHS[path] - {"HEAD"} <= set(expected.split(" or ")), got) == (True, method)
        else:
            is_answered = method in PATHS[path] or method == "OPTIONS" or (method, path) in HEADS
            assert is_answered


@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith("/api/v1/projects/")])
def test_options_names_the_methods_of_a_path_and_no_others(full: Api, stranger: httpx.Client, path: str) -> None:
    answer = stranger.options(path.format(**PATH_VALUES))
    assert answer.status_code == 204
    assert set(answer.headers["allow"].split(", ")) == PATHS[path] | {"OPTIONS"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_below_a_route_is_404(full: Api, stranger: httpx.Client, method: str, path: str) -> None:
    below = f"{path.format(**PATH_VALUES)}/nothing/below"
    if path == OBJECT:  # all below it are objects, and this one's URL isn't signed
        check_error(stranger.request(method, below), 403 if method in PATHS[path] else 405)
    else:
        check_error(stranger.request(method, below), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/schema/openapi.json",
        "/schema/x",
        "/api/v1",
        "/api/v2/projects/dev/events",
        "/%00",
        "/%ff",
        "/%zz",
        "/%",
        "/*",
    ],
)
def test_an_unknown_route_is_404(full: Api, stranger: httpx.Client, path: str) -> None:
    check_error(stranger.get(httpx.URL(str(stranger.base_url)).copy_with(raw_path=path.encode())), 404)


@pytest.mark.parametrize("text", ["%ff", "%c3%28", "%", "%zz", "%00", "%ed%a0%80", "%f4%90%80%80", "..%2f..", "%252e", "💥"])
def test_a_percent_encoding_that_is_no_text_is_an_answer_all_the_same(full: Api, text: str) -> None:
    encoded = quote(text, safe="%")
    listed = full.http.get(httpx.URL(full.server.url).copy_with(raw_path=f"/api/v1/projects/dev/events?event={encoded}".encode()))
    assert listed.json() == {"data": [], "meta": {"next_cursor": None, "has_more": False}}
    unknown = full.http.get(httpx.URL(full.server.url).copy_with(raw_path=f"/api/v1/projects/dev/events?{encoded}=1".encode()))
    check_error(unknown, 400)
    for path, status in ((f"/api/v1/projects/{encoded}/events", 404), (f"/api/v1/projects/dev/events/{encoded}", (400, 404))):
        answer = full.http.get(httpx.URL(full.server.url).copy_with(raw_path=path.encode()))
        assert answer.status_code in (status if isinstance(status, tuple) else (status,))
        check_error(answer, answer.status_code)


@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
def test_a_query_with_an_encoding_is_415(full: Api, encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    check_error(full.http.post(full.path("insights/trends"), content=b"{}", headers=headers), 415)
