"""What is wrong with a request about persons: parameters, cursors, ids."""

from collections.abc import Iterator

from bad_input import Bad, shown
from bad_request_cases import encoded

PERSONS = "/api/v1/projects/dev/persons"
LONG = "n" * 201


def listing(title: str, names: str, shows: str | None = None, /, **parameters: object) -> Bad:
    return Bad(f"persons: {title}", "GET", PERSONS, 400, names, shows, {"params": parameters})


def cases() -> Iterator[Bad]:
    for value in ("0", "-1", "1001", "abc", "", "1.5", "\uff15"):
        yield listing(f"limit {value!r}", "limit", shown(value), limit=value)
    for value in ("", LONG):
        yield listing(f"search {value!r:.10}", "search", shown(value), search=value)
    for name in ("country", "device_type", "browser"):
        yield listing(f"no {name}", name, **{name: ""})
        yield listing(f"a long {name}", name, "8,193", **{name: "n" * 8193})
    for value in ("", "1", "yes", "True", "null", "TRUE", "true "):
        yield listing(f"has_user_id {value!r}", "has_user_id", shown(value), has_user_id=value)
    for name in ("date_from", "date_to", "distinct_id", "event", "filters", "offset", "Search"):
        yield listing(f"a parameter it hasn't: {name}", name, **{name: "1"})
    for name in ("limit", "search", "has_user_id", "cursor"):
        yield Bad(f"persons: {name} twice", "GET", f"{PERSONS}?{name}=1&{name}=2", 400, name)
    cursors: list[object] = [
        {"ts": 1}, {"id": "1"}, {"ts": 1, "id": 1}, {"ts": 1, "id": ""}, {"ts": 1, "id": "x"}, {"ts": 1, "id": "0"}, {"ts": 1, "id": "-1"},
        {"ts": 1, "id": "01"}, {"ts": 1, "id": "1.0"}, {"ts": 1, "id": "9" * 30}, {"ts": 1, "id": "\u0661"}, {"ts": -1, "id": "1"}, [], 5,
    ]  # fmt: skip
    for text in ("", "x", "!!!", "A" * 5000, *map(encoded, cursors)):
        yield listing(f"cursor {text:.60}", "cursor", shown(text), cursor=text)
    for path in ("nobody", "%00", "%2F", "..%2F..%2Fevents", "%F0%9F%99%82", LONG, "ann%0A", "%25", "'; drop table persons"):
        yield Bad(f"person: {path:.20}", "GET", f"{PERSONS}/{path}", 404, "distinct_id")
        yield Bad(f"person's events: {path:.20}", "GET", f"{PERSONS}/{path}/events", 404, "distinct_id")
    yield Bad("person: an unknown parameter", "GET", f"{PERSONS}/nobody?limit=1", 400, "limit")
    for name in ("distinct_id", "search", "offset"):
        yield Bad(f"person's events: a parameter it hasn't: {name}", "GET", f"{PERSONS}/nobody/events?{name}=1", 400, name)
    for query in ("limit=0", "cursor=x", "date_from=soon", "filters=x", "event="):
        yield Bad(f"person's events: {query}", "GET", f"{PERSONS}/nobody/events?{query}", 400, query.partition("=")[0])
    yield Bad("persons: no POST", "POST", PERSONS, 405)
    yield Bad("person: no DELETE", "DELETE", f"{PERSONS}/ann", 405)
