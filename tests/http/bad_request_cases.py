"""What is wrong with a request before its body counts: parameters, cursors, ids, credentials, routes and methods."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from bad_input import Bad, shown
from bad_insight_cases import BAD_DATES, BAD_FILTERS, BAD_PROPERTIES, EVENTS, FUNNEL, GOOD, TRENDS
from http_rig import INGEST

ABSENT = "0198b0aa-0000-7000-8000-000000000000"
ONE = f"{EVENTS}/{ABSENT}"
QUERIES: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", EVENTS, {}),
    ("GET", ONE, {}),
    ("POST", TRENDS, {"json": GOOD[TRENDS]}),
    ("POST", FUNNEL, {"json": GOOD[FUNNEL]}),
]
"""Every route of the query API, with a request that nothing but its credentials can spoil."""


def listing(title: str, names: str | None, shows: str | None = None, /, **parameters: Any) -> Bad:
    return Bad(f"events: {title}", "GET", EVENTS, 400, names, shows, {"params": parameters})


def parameters() -> Iterator[Bad]:
    value: Any
    for value in (
        "0",
        "-1",
        "1001",
        "99999999999999999999",
        "abc",
        "",
        " ",
        "1.5",
        "1e2",
        "0x10",
        "1_0",
        " 5",
        "5 ",
        "+5",
        "\uff15",
        "null",
    ):
        yield listing(f"limit {value!r}", "limit", shown(value), limit=value)
    for name in ("date_from", "date_to"):
        for value in BAD_DATES:
            if isinstance(value, str):
                yield listing(f"{name} {value!r:.24}", name, shown(value), **{name: value})
    yield listing("dates the wrong way round", "date_", "2025-02-01", date_from="2025-02-01", date_to="2025-01-01")
    for name in ("event", "distinct_id", "session_id"):
        for value in ("", "n" * 201):
            yield listing(f"{name} {value!r:.24}", name, shown(value), **{name: value})
    for name in ("zz", "offset", "page", "Limit", "distinctId", "order", "filters[]", "n" * 300):
        yield listing(f"unknown parameter {name:.20}", name[:40], name[:40], **{name: "1"})
    for name in ("limit", "event", "cursor", "filters", "date_from"):
        yield Bad(f"events: {name} twice", "GET", f"{EVENTS}?{name}=1&{name}=2", 400, name)
    for value in ("", "x", "{", "[", "[{]", "'[]'", "[" * 10_000):
        yield listing(f"filters {value!r:.24}", "filters", filters=value)
    for title, value, at in BAD_FILTERS:
        if len(json.dumps(value)) < 10_000:
            yield listing(f"filters: {title}", f"filters{at}", filters=json.dumps(value))
    for title, value, at in BAD_PROPERTIES:
        yield listing(f"properties: {title}", f"properties{at}", properties=json.dumps(value))
    yield listing("properties no JSON", "properties", properties="{")


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cursors() -> Iterator[Bad]:
    """Cursors that no page ever gave. What they look like is the server's affair but for `ts`, which comes first."""
    for text in ("", " ", "!!!", "abc", "a", "{}", '{"ts":1}', "ü", "A" * 5000, "null", "eyJ0cyI6...", "../../etc/passwd"):
        yield listing(f"cursor {text[:20]!r}", "cursor", shown(text), cursor=text)
    values: list[Any] = [
        {},
        [],
        5,
        "x",
        None,
        True,
        {"ts": 1},
        {"ts": None},
        {"ts": -1},
        {"ts": 10**30},
        {"ts": "x"},
        {"ts": []},
        {"id": ABSENT},
    ]
    values += [{"ts": ts, "id": ABSENT} for ts in (-1, 10**18, 10**30, 1.5, "1", None, True, [], {}, float("nan"))]
    values += [{"ts": 1, "id": bad} for bad in (5, None, "", "x", ABSENT[:-1], ABSENT * 2, [], {}, True)]
    values += [
        {"ts": 1, "id": ABSENT, "sql": "drop table events"},
        {"id": ABSENT, "ts": 1},
        b"{",
        b"\xff\xfe",
        b'{"ts":1',
        b"[" * 3000,
    ]
    for value in values:
        yield listing(f"cursor of {value!r:.40}", "cursor", encoded(value)[:40], cursor=encoded(value))


def ids() -> Iterator[Bad]:
    for value in ("x", "1", "null", "%00", "%FF", "0" * 500, ABSENT[:-1], ABSENT + "0", ABSENT[:-1] + "g", "%7B%7D"):
        yield Bad(f"event: id {value:.20}", "GET", f"{EVENTS}/{value}", 400, "event_id")
    for value in (ABSENT, "550e8400-e29b-41d4-a716-446655440000", "00000000-0000-0000-0000-000000000000"):
        yield Bad(f"event: id {value}", "GET", f"{EVENTS}/{value}", 404, "event_id", value)
    yield Bad("event: an unknown parameter", "GET", f"{ONE}?zz=1", 400, "zz")


def credentials() -> Iterator[Bad]:
    """Each route with each kind of bad credential."""
    headers = [
        ("no token", ""),
        ("an unknown token", "Bearer sv_unknown"),
        ("the project token", "Bearer sv_pub_dev"),
        ("half a token", "Bearer sv_de"),
        ("a token and more", "Bearer sv_dev x"),
        ("no token behind Bearer", "Bearer"),
        ("another scheme", "Token sv_dev"),
        ("basic credentials", "Basic c3ZfZGV2Og=="),
        ("a bare token", "sv_dev"),
        ("a very long token", "Bearer " + "x" * 4000),
        ("a token in capitals", "Bearer SV_DEV"),
        ("SQL", "Bearer ' or 1=1 --"),
        ("two tokens", "Bearer sv_x, Bearer sv_dev"),
    ]
    for method, path, sent in [*QUERIES, ("POST", "/api/v1/dev/reset", {})]:
        for title, value in headers:
            yield Bad(
                f"{path.rpartition('/')[2]:.8}: {title}",
                method,
                path,
                401,
                None,
                None,
                {**sent, "headers": {"Authorization": value}},
            )
        yield Bad(
            f"{path.rpartition('/')[2]:.8}: token as a parameter",
            method,
            f"{path}?token=sv_dev",
            401,
            None,
            None,
            sent | {"headers": {"Authorization": ""}},
        )


def projects() -> Iterator[Bad]:
    """A project that there is not: a token for all projects hears that it isn't there."""
    for method, path, sent in QUERIES:
        for project in ("no-such-project", "DEV", "dev%20", "%00", "0" * 200, "..", "dev;drop"):
            title = f"{path.rpartition('/')[2]:.8}: project {project:.12}"
            yield Bad(title, method, path.replace("/dev/", f"/{project}/"), 404, None, None, sent)


def routes() -> Iterator[Bad]:
    for path in (
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v2/projects/dev/events",
        "/api/v1/projects/dev/nothing",
    ):
        for method in ("GET", "POST", "DELETE"):
            yield Bad(f"route {method} {path}", method, path, 404)
    for path in (
        f"{EVENTS}/{ABSENT}/x",
        "/api/v1/ingest",
        f"{INGEST}/x",
        "/api/v1/ingest/nothing",
        "/%00",
        "/" + "x" * 3000,
        "/..%2f..%2fetc/passwd",
    ):
        yield Bad(f"route {path:.40}", "GET", path, 404)
    wrong = [
        (EVENTS, ("POST", "PUT", "PATCH", "DELETE")),
        (ONE, ("POST", "PUT", "PATCH", "DELETE")),
        (TRENDS, ("GET", "PUT", "PATCH", "DELETE")),
        (FUNNEL, ("GET", "PUT", "PATCH", "DELETE")),
        (INGEST, ("GET", "PUT", "PATCH", "DELETE")),
        ("/healthz", ("POST", "DELETE")),
        ("/metrics", ("POST", "DELETE")),
        ("/api/v1/dev/reset", ("GET", "PUT", "DELETE")),
    ]
    for path, methods in wrong:
        for method in methods:
            yield Bad(f"method {method} {path:.40}", method, path, 405, None, method)
    for method, path in (("GET", "/metrics"), ("GET", "/schema"), ("POST", "/api/v1/dev/reset")):
        yield Bad(f"{path.rpartition('/')[2]}: an unknown parameter", method, f"{path}?zz=1", 400, "zz")
    for path in (TRENDS, FUNNEL):
        for kind in ("text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"):
            sent = {"content": json.dumps(GOOD[path]), "headers": {"Content-Type": kind}}
            yield Bad(
                f"{path.rpartition('/')[2]}: content type {kind}", "POST", path, 415, "Content-Type", kind.partition(";")[0], sent
            )
        yield Bad(
            f"{path.rpartition('/')[2]}: an unknown parameter", "POST", f"{path}?zz=1", 400, "zz", None, {"json": GOOD[path]}
        )


def cases() -> Iterator[Bad]:
    for group in (parameters, cursors, ids, credentials, projects, routes):
        yield from group()
