"""Turns a block's events into Arrow arrays, which the engine takes directly: a third of what writing and reading their JSON costs.

Only for events that ingest takes without changing them, as nearly all in files are. If a block has any other event this answers `None`, and
the whole block goes the other way.
"""

import itertools
import operator
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sv.imports.moments import Times
from sv.ingest.events import ShallowEvent, ShallowProperties
from sv.model.batch import EventColumns
from sv.model.enrichment import LOOKED_AT
from sv.model.limits import MAX_FUTURE_MS, MAX_PROPERTIES_BYTES
from sv.model.long_integers import has_as_many_digits, may_have_long_integers

_encoder: Final = msgspec.json.Encoder()
_BYTES_BESIDE: Final = 120
"""Of an event beside its properties, about: as much as they would have in JSON."""

_TEXT_OR_NONE: Final = {str, type(None)}
_EMPTY: Final[ShallowProperties] = {}
_FEED: Final = ord("\n")
_DIGIT_AND_E: Final = ord("0") | ord("e") << 8
_AFTER_E: Final = b"-0123456789"


def columns_of(events: Sequence[ShallowEvent], times: Times, now_ms: int) -> EventColumns | None:
    """The events' columns, with these times; None where one of the events would have to be changed."""
    try:
        return _columns_of(events, times, now_ms)
    except (OverflowError, UnicodeEncodeError):
        return None


def _columns_of(events: Sequence[ShallowEvent], times: Times, now_ms: int) -> EventColumns | None:
    """Raises UnicodeEncodeError for half of a surrogate pair, OverflowError for an integer that JSON's encoder doesn't take."""
    if any(event.eventId is not None for event in events):
        return None
    groups = [event.groups for event in events]
    names = [event.event for event in events]
    times = _checked(times, now_ms)
    anonymous_ids = [event.anonymousId for event in events]
    user_ids = [event.userId for event in events]
    if (
        times is None
        or not _have_persons(anonymous_ids, user_ids)
        or any(name.strip() != name or not name for name in set(names))
    ):
        return None
    session_ids = [event.sessionId for event in events]
    if "" in session_ids:
        session_ids = [session_id or None for session_id in session_ids]
    properties = [event.properties or _EMPTY for event in events]
    lines = _encoder.encode_lines(properties)
    has_escapes = b"\\u" in lines
    if has_escapes and b"\\u0000" in lines:
        return None
    import numpy as np

    from sv.engine.arrays import lists, numbers, of_bytes, texts

    signs = np.frombuffer(lines, np.uint8)
    lengths = np.diff(np.flatnonzero(signs == _FEED), prepend=-1) - 1
    if lengths.max() > MAX_PROPERTIES_BYTES or (may_have_long_integers(signs) and has_as_many_digits(signs)):
        return None
    ids = [texts(values) for values in (anonymous_ids, user_ids, session_ids)]
    if any("\0" in name for name in set(names)) or any(map(_has_nul, ids)):
        return None
    lists_of_groups = lists(groups) if any(each is not None for each in groups) else None
    if lists_of_groups is not None and _has_nul(lists_of_groups.values):
        return None
    return EventColumns(
        names=texts(names),
        times=numbers(times),
        anonymous_ids=ids[0],
        user_ids=ids[1],
        session_ids=ids[2],
        groups=lists_of_groups,
        properties=of_bytes(lines.replace(b"\n", b""), lengths),
        first_ms=int(times.min()),
        last_ms=int(times.max()),
        size=len(lines) + _BYTES_BESIDE * len(events),
        may_differ=has_escapes or _has_exponents(lines),
        own=_own(properties),
    )


def _has_nul(array: Any) -> bool:
    """Whether one of the texts has a NUL, which is repaired row by row."""
    import numpy as np

    return not np.frombuffer(array.buffers()[2], np.uint8).all()


def _have_persons(anonymous_ids: list[str | None], user_ids: list[str | None]) -> bool:
    if None not in anonymous_ids or None not in user_ids:
        return True
    return not any(one is None and other is None for one, other in zip(anonymous_ids, user_ids, strict=True))


def _checked(times: Times, now_ms: int) -> Any:
    """An array of Unix milliseconds; None where one is none that ingest takes as it is."""
    import numpy as np

    if isinstance(times, list):
        if set(map(type, times)) != {int} or min(times) < 0 or max(times) > now_ms + MAX_FUTURE_MS:
            return None
        times = np.array(times, np.int64)
    return None if times.min() < 0 or times.max() > now_ms + MAX_FUTURE_MS else times


def _own(properties: Sequence[ShallowProperties]) -> dict[str, Any] | None:
    """Columns of what enrichment looks at; None where one has a value that is no text, also where that is null."""
    from sv.engine.arrays import texts

    own: dict[str, Any] = {}
    there = set(itertools.chain.from_iterable(properties))
    for name in LOOKED_AT:
        if name in there:
            values = _values(properties, name)
            kinds = set(map(type, values))
            if not kinds <= _TEXT_OR_NONE or (type(None) in kinds and any(each.get(name, "") is None for each in properties)):
                return None
            own[name] = texts(values)
    return own


def _values(properties: Sequence[ShallowProperties], name: str) -> list[Any]:
    """Of each; None where it has none."""
    try:
        return list(map(operator.itemgetter(name), properties))  # twice as quick
    except KeyError:
        return [each.get(name) for each in properties]


def _has_exponents(lines: bytes) -> bool:
    """Whether a number may be written with an exponent, as in 1.5e-7: whether a digit, an `e`, and a digit or a minus follow each other."""
    import numpy as np

    for start in (0, 1):  # two signs at a time, which is half the work
        pairs = np.frombuffer(lines, "<u2", (len(lines) - start) // 2, start)
        found = np.flatnonzero(pairs - _DIGIT_AND_E < 10)
        if found.size and any(lines[place] in _AFTER_E for place in (found * 2 + start + 2).tolist()):
            return True
    return False
