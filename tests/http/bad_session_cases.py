"""What is wrong with a request about sessions: parameters, cursors, ids."""

from collections.abc import Iterator

from bad_input import Bad, shown
from bad_request_cases import encoded

SESSIONS = "/api/v1/projects/dev/sessions"
OF_A_PERSON = "/api/v1/projects/dev/persons/nobody/sessions"
LONG = "n" * 201


def listing(title: str, names: str, shows: str | None = None, /, **parameters: object) -> Bad:
    return Bad(f"sessions: {title}", "GET", SESSIONS, 400, names, shows, {"params": parameters})


def cases() -> Iterator[Bad]:
    for value in ("0", "-1", "1001", "abc", "", "1.5", "\uff15"):
        yield listing(f"limit {value!r}", "limit", shown(value), limit=value)
    for name in ("min_duration", "max_duration"):
        for value in (
            "-1",
            "",
            "x",
            "1m",
            "NaN",
            "inf",
            "1_0",
            "0x1",
            "1,5",
            ".5",
            "1.",
            "\u0661",
            "1e13",
            "1e99",
            "1e999",
            "9" * 30,
            " 1",
        ):
            yield listing(f"{name} {value!r}", name, shown(value), **{name: value})
    yield listing("the longest is shorter than the shortest", "max_duration", "4.9995", min_duration="5", max_duration="4.9995")
    for value in ("", "1", "yes", "True", "null"):
        yield listing(f"is_bounce {value!r}", "is_bounce", shown(value), is_bounce=value)
    for name in ("country", "device_type", "browser", "entry_url"):
        yield listing(f"no {name}", name, **{name: ""})
        yield listing(f"a long {name}", name, "8,193", **{name: "n" * 8193})
    for value in ("", LONG):
        yield listing(f"distinct_id {value!r:.10}", "distinct_id", shown(value), distinct_id=value)
    for name in ("date_from", "date_to"):
        for value in ("soon", "", "2025-13-01", "-3m", "1e9"):
            yield listing(f"{name} {value!r}", name, shown(value), **{name: value})
    yield listing("dates the wrong way round", "date_to", date_from="2025-03-02", date_to="2025-03-01")
    for name in ("event", "session_id", "filters", "search", "os", "duration", "offset", "Country"):
        yield listing(f"a parameter it hasn't: {name}", name, **{name: "1"})
    for name in ("limit", "min_duration", "is_bounce", "cursor", "entry_url"):
        yield Bad(f"sessions: {name} twice", "GET", f"{SESSIONS}?{name}=1&{name}=2", 400, name)
    cursors: list[object] = [
        {"ts": 1}, {"id": "1-1"}, {"ts": 1, "id": 1}, {"ts": 1, "id": ""}, {"ts": 1, "id": "1"}, {"ts": 1, "id": "1-"}, {"ts": 1, "id": "-1"},
        {"ts": 1, "id": "1--1"}, {"ts": 1, "id": "01-1"}, {"ts": 1, "id": "1-01"}, {"ts": 1, "id": "1-1-1"}, {"ts": 1, "id": "9" * 19 + "-1"},
        {"ts": 1, "id": "1-" + "9" * 19}, {"ts": 1, "id": "\u0661-1"}, {"ts": -1, "id": "1-1"}, {"ts": 1.5, "id": "1-1"}, [], 5,
    ]  # fmt: skip
    for text in ("", "x", "!!!", "A" * 5000, *map(encoded, cursors)):
        yield listing(f"cursor {text:.60}", "cursor", shown(text), cursor=text)
    for path in (
        "nothing", "%00", "%2F", "..%2F..%2Fevents", "%F0%9F%99%82", LONG, "s-1%0A", "%25", "auto-1-1", "auto-01-1", "auto--1", "auto-1-1-1",
        "auto-" + "9" * 40 + "-1", "auto-%D9%A1-1", "'; drop table session_rollups",
    ):  # fmt: skip
        yield Bad(f"session: {path:.30}", "GET", f"{SESSIONS}/{path}", 404, "session_id")
        yield Bad(f"session's events: {path:.30}", "GET", f"{SESSIONS}/{path}/events", 404, "session_id")
    yield Bad("session: an unknown parameter", "GET", f"{SESSIONS}/nothing?limit=1", 400, "limit")
    for name in ("session_id", "min_duration", "offset"):
        yield Bad(f"session's events: a parameter it hasn't: {name}", "GET", f"{SESSIONS}/nothing/events?{name}=1", 400, name)
    for query in ("limit=0", "cursor=x", "date_from=soon", "filters=x", "event="):
        yield Bad(f"session's events: {query}", "GET", f"{SESSIONS}/nothing/events?{query}", 400, query.partition("=")[0])
    yield Bad("a person's sessions: nobody's", "GET", OF_A_PERSON, 404, "distinct_id")
    for query in ("distinct_id=ann", "limit=0", "min_duration=-1", "is_bounce=2", "cursor=x", "date_to=soon", "search=x"):
        yield Bad(f"a person's sessions: {query}", "GET", f"{OF_A_PERSON}?{query}", 400, query.partition("=")[0])
    yield Bad("sessions: no POST", "POST", SESSIONS, 405)
    yield Bad("session: no DELETE", "DELETE", f"{SESSIONS}/s-1", 405)
