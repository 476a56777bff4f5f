"""How deep JSON nests, found without recursion.

The decoder gives up at a thousand levels, whole request and all. Here the one event that nests so deep is found by its brackets and
taken out, so that it costs only itself.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from sv.model.errors import InvalidParameter
from sv.model.limits import MAX_DEEP_BODY_BYTES, MAX_DEPTH

NESTED_OUTSIDE: Final = "the body nests too deeply outside its events (body)"


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether the containers of `value` nest deeper; `value` itself is the first level. One level at a time, no recursion."""
    layer: list[Any] = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _containers(outer)]
        if not layer:
            return False
    return True


def _containers(outer: Any) -> Iterator[Any]:
    for inner in outer.values() if isinstance(outer, dict) else outer:
        if isinstance(inner, dict | list):
            yield inner


# SCAR: possessive, and content with a text that never ends: otherwise a megabyte of escaped quotes takes hours.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
TOO_DEEP: Final = b"0"
"""What stands in the place of an event that was taken out."""

_OUTER_LEVELS: Final = 3  # the request, its list of events, the event


def without_deep_events(body: bytes) -> bytes:
    """The body with each object of the third level that nests too deep (an event, where this is a request) replaced by a 0.

    For bodies so deep that the decoder gives up: finds the events by their brackets alone, in one pass without recursion.
    """
    if len(body) > MAX_DEEP_BODY_BYTES:
        raise InvalidParameter(NESTED_OUTSIDE)
    pieces: list[bytes] = []
    copied_to = 0
    level = 0
    start = 0
    deepest = 0
    for match in _TOKEN.finditer(body):
        bracket = match[0]
        if bracket in (b"{", b"["):
            level += 1
            deepest = max(deepest, level)
            if level == _OUTER_LEVELS:
                start, deepest = match.start(), level
        elif bracket in (b"}", b"]"):
            if level == _OUTER_LEVELS and deepest > _OUTER_LEVELS + MAX_DEPTH:
                pieces += [body[copied_to:start], TOO_DEEP]
                copied_to = match.end()
            level -= 1
    pieces.append(body[copied_to:])
    return b"".join(pieces)
