"""Requests to the ingest route that must be refused as a whole."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

from bad_input import Bad, shown
from http_rig import INGEST, NOON, body_of, event

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
GOOD = json.dumps(body_of([event()])).encode()
TOO_FAR = 4_102_444_800_000  # 2100

REQUIRED = ...
WRONG_TYPES: list[Any] = [5, 1.5, True, [], {}, ["x"]]

EVENT_FIELDS: list[tuple[str, list[Any]]] = [
    ("event", [REQUIRED, None, "", "   ", "\t\n", "e" * 201, *WRONG_TYPES]),
    (
        "timestamp",
        ["", "x", "yesterday", "1750000000000", "2025-02-30T00:00:00Z", "2025-13-01", "2025-01-01T25:00:00Z", "12:00:00"],
    ),
    ("timestamp", [-1, -1e15, 1e300, 10**20, TOO_FAR, "9999-12-31T00:00:00Z", "1969-12-31T23:59:59.999Z", True, [], {}, [NOON]]),
    ("anonymousId", ["", "i" * 201, *WRONG_TYPES]),
    ("userId", ["", "i" * 201, *WRONG_TYPES]),
    ("sessionId", ["s" * 201, *WRONG_TYPES]),
    ("properties", [5, 1.5, "x", True, [], [1]]),
    ("groups", [5, "x", True, {}, [5], [None], [["a"]], ["g" * 201], ["g"] * 101]),
    ("eventId", ["", "x", "550e8400-e29b-41d4-a716-44665544000g", "550e8400-e29b-41d4-a716", *WRONG_TYPES]),
]
"""A field, and what makes an event with it so bad that it is rejected."""


def raw(
    title: str, content: bytes | Callable[[], bytes], status: int, names: str | None, shows: str | None = None, **headers: str
) -> Bad:
    kinds = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Bad(f"ingest: {title}", "POST", INGEST, status, names, shows, {"content": content, "headers": kinds})


def request(title: str, body: Any, status: int, names: str | None, shows: str | None = None) -> Bad:
    return raw(title, json.dumps(body).encode(), status, names, shows)


def bodies() -> Iterator[Bad]:
    """What isn't a request at all, by its bytes."""
    for content in (
        b"",
        b" ",
        b"{",
        b"{]",
        b"nonsense",
        b"<html></html>",
        b"{'a':1}",
        GOOD + b"x",
        GOOD[:-1],
        b"\xff\xfe{}",
        b"\0",
    ):
        yield raw(f"body {content[:12]!r}…", content, 400, "body")
    yield raw("a NaN", GOOD.replace(b'"view"', b"NaN"), 422, "event")
    yield raw("a word that begins with NaN", GOOD.replace(b'"view"', b"NaNo"), 400, "body")
    yield raw("a NaN in more than 1 MiB", GOOD.replace(b'"view"', b"NaN") + b" " * MIB, 400, "body")
    yield raw("UTF-16", GOOD.decode().encode("utf-16"), 400, "body")
    for content in (b"[]", b'"x"', b"5", b"null", b"true"):
        yield raw(f"body {content!r}", content, 422, "body")
    yield raw("gzip that is none", b"nonsense", 400, "body", Content_Encoding="gzip")
    yield raw("gzip cut off", gzip.compress(GOOD)[:-9], 400, "body", Content_Encoding="gzip")
    yield raw("gzip without its checksum", gzip.compress(GOOD)[:-8] + b"\0" * 8, 400, "body", Content_Encoding="gzip")
    yield raw("gzip and then more", gzip.compress(GOOD) + b"nonsense", 400, "body", Content_Encoding="gzip")
    yield raw("gzip of nothing", gzip.compress(b""), 400, "body", Content_Encoding="gzip")
    yield raw("nothing, said to be gzip", b"", 400, "body", Content_Encoding="gzip")
    yield raw("zlib said to be gzip", GOOD, 400, "body", Content_Encoding="gzip")
    yield raw("gzip not said to be", gzip.compress(GOOD), 400, "body")


def sizes() -> Iterator[Bad]:
    """What is too large. Made when it is sent, since a test run holds every case."""
    bound = str(10 * MIB)
    gzipped = {"Content_Encoding": "gzip"}
    yield raw("more than 10 MiB", lambda: GOOD + b" " * 10 * MIB, 413, "body", bound)
    yield raw("a bomb of 10 MiB and a little", lambda: gzip.compress(GOOD + b" " * 10 * MIB), 413, "body", bound, **gzipped)
    yield raw("a bomb of 640 MiB in ten members", lambda: gzip.compress(bytes(64 * MIB)) * 10, 413, "body", bound, **gzipped)
    yield raw("a bomb of 11 MiB in eleven members", lambda: gzip.compress(b" " * MIB) * 11, 413, "body", bound, **gzipped)
    yield raw("a bomb of a hundred thousand members", lambda: gzip.compress(b"") * 100_000, 400, "body", **gzipped)
    yield request("2,001 events", body_of([event()] * 2001), 413, "events", "2001")
    yield request("2,001 bad events", body_of([5] * 2001), 413, "events", "2001")
    yield raw("a body of brackets", b"[" * 100_000, 400, "body")
    yield raw("brackets behind the token", b'{"projectToken":"sv_pub_dev","x":' + b"[" * 100_000, 400, "body")
    yield raw("quotes behind brackets", lambda: b"[" * 5000 + b'"' + b'\\"' * 100_000, 400, "body")


def headers() -> Iterator[Bad]:
    for kind in (
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "nonsense",
        "image/png",
    ):
        yield raw(f"content type {kind}", GOOD, 415, "Content-Type", kind, Content_Type=kind)
    for encoding in ("br", "deflate", "zstd", "compress", "nonsense", "gzip, gzip"):
        yield raw(f"content encoding {encoding}", GOOD, 415, "Content-Encoding", encoding, Content_Encoding=encoding)


def outer() -> Iterator[Bad]:
    """The request's two fields."""
    token: Any
    for token in (None, 5, 1.5, True, [], {}, ["sv_pub_dev"]):
        yield request(f"token {token!r}", body_of([event()], token), 422, "projectToken")
    yield request("no token", {"events": [event()]}, 422, "projectToken")
    yield request("no token and no events", {}, 422, "projectToken")
    for token in (
        "",
        " ",
        "x",
        "sv_pub_x",
        "sv_dev",
        "sv_pub_dev ",
        "SV_PUB_DEV",
        "sv_pub_dev\0",
        "sv_pub_' or 1=1 --",
        "t" * 10_000,
    ):
        yield request(f"token {token[:20]!r}", body_of([event()], token), 401, "projectToken", shown(token[:8]))
    events: Any
    for events in (None, 5, 1.5, True, "x", {}, {"0": event()}):
        yield request(f"events {events!r:.20}", body_of(events), 422, "events")
    yield request("events empty", body_of([]), 422, "events", "0")
    yield request("no events", {"projectToken": "sv_pub_dev"}, 422, "events")
    yield request("one event, not in a list", {"projectToken": "sv_pub_dev", "events": event()}, 422, "events")


def rejected(title: str, item: Any, names: str | None, shows: str | None = None) -> Bad:
    return request(f"event {title}", body_of([item]), 422, names, shows)


def events() -> Iterator[Bad]:
    """A single event that is rejected, so that the request is."""
    item: Any
    for item in (None, 5, 1.5, True, "x", [], [event()]):
        yield rejected(f"{item!r:.20}", item, "events[0]")
    yield rejected("empty", {}, "event")
    yield rejected("without identity", event("view", anonymousId=...), "anonymousId")
    yield rejected("with null identity", event(anonymousId=None, userId=None), "userId")
    yield rejected("named in snake case", {"event": "view", "anonymous_id": "ann", "user_id": "ann"}, "userId")
    for name, values in EVENT_FIELDS:
        for value in values:
            what = "absent" if value is REQUIRED else repr(value)[:24]
            yield rejected(f"{name} {what}", event(**{name: value}), name, None if value is REQUIRED else shown(value))
    for size in (65_537, 200_000):
        properties = {"p": "x" * (size - len('{"p":""}'))}
        yield rejected(f"properties of {size:,} bytes", event(properties=properties), "properties", "65")
    for depth in (33, 34, 100, 500):
        yield rejected(f"properties {depth} deep", event(properties=nested(depth)), "properties", "32")
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    one = json.dumps(body_of([event(properties="DEEP")])).encode().replace(b'"DEEP"', deep)
    yield raw("event properties 5,000 deep", one, 422, "properties", "32")
    lists = json.dumps(body_of([event(properties={"p": "DEEP"})])).encode().replace(b'"DEEP"', b"[" * 50_000 + b"]" * 50_000)
    yield raw("event properties of 50,000 lists", lists, 422, "properties", "32")
    wrong = json.dumps(body_of([event(userId=5, properties="DEEP")])).encode().replace(b'"DEEP"', deep)
    yield raw("event with a wrong user id before properties 5,000 deep", wrong, 422, "events[0]")
    yield raw("event number beyond a double", GOOD.replace(b'"view"', b'"view","properties":{"p":1e999}'), 422, "properties")


def nested(depth: int) -> dict[str, Any]:
    """An object of so many levels, itself the first."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"d": value}
    return value


def cases() -> Iterator[Bad]:
    for group in (bodies, sizes, headers, outer, events):
        yield from group()
