"""What is wrong with a request for a funnel's persons: whom of the funnel, which page, and a field of the funnel itself."""

from collections.abc import Iterator
from typing import Any

from bad_input import Bad, shown
from bad_request_cases import encoded

PATH = "/api/v1/projects/dev/insights/funnel/persons"
GOOD: dict[str, Any] = {
    "steps": [{"event": "view"}, {"event": "buy"}, {"event": "pay"}],
    "date_from": "2025-06-01",
    "date_to": "2025-06-30",
    "step": 2,
    "outcome": "converted",
}


def asked(title: str, names: str, shows: str | None = None, status: int = 422, /, **fields: Any) -> Bad:
    body = {name: value for name, value in (GOOD | fields).items() if value is not ...}
    return Bad(f"funnel's persons: {title}", "POST", PATH, status, names, shows, {"json": body})


def cases() -> Iterator[Bad]:
    for value in (0, -1, 4, 33, 1.5, "2", True, [], {}):
        yield asked(f"step {value!r}", "step", shown(value), step=value)
    for name in ("step", "outcome", "steps"):
        yield asked(f"no {name}", name, **{name: ...})
        yield asked(f"{name} null", name, **{name: None})
    yield asked("nobody drops off before step 1", "step", "1", step=1, outcome="dropped_off")
    for value in ("", "lost", "Converted", "dropped-off", 5, True, [], {}):
        yield asked(f"outcome {value!r}", "outcome", shown(value), outcome=value)
    yield asked("by session", "aggregate_by", "session", aggregate_by="session")
    for value in ("pro", None, "$other", 5):
        yield asked(f"breakdown_value {value!r} without a breakdown", "breakdown_value", breakdown_value=value)
    for value in (0, -1, 1001, "10", 1.5, True, [], {}):
        yield asked(f"limit {value!r}", "limit", shown(value), limit=value)
    cursors: list[object] = [
        {"ts": 1},
        {"ts": 1, "id": "x"},
        {"ts": 1, "id": "0"},
        {"ts": 1, "id": "01"},
        {"ts": -1, "id": "1"},
        [],
    ]
    for text in ("", "x", "!!!", "A" * 5000, 5, True, [], *map(encoded, cursors)):
        yield asked(f"cursor {text!r:.60}", "cursor", shown(text), 400, cursor=text)
    yield asked("an unknown field", "colour", None, colour="red")
    yield asked("a wrong field of the funnel", "conversion_window", "soon", conversion_window="soon")
    steps = [{"event": "view"}, {"action_id": "x"}, {"event": "buy"}]
    yield asked("a smart event that isn't there", "steps[1].action_id", "x", steps=steps)
    yield Bad("funnel's persons: a parameter", "POST", f"{PATH}?limit=5", 400, "limit", None, {"json": GOOD})
    yield Bad("funnel's persons: no GET", "GET", PATH, 405)
    for content in (b"", b"{", b'{"a":NaN}'):
        yield Bad(f"funnel's persons: body {content!r}", "POST", PATH, 400, "body", None, {"content": content})
