"""What was rejected lately and why, by project: for senders who wonder where their events are.

Keeps a count and a few samples for each code, without any value that was sent: a rejected event may be about anybody, and what is wrong
with it can be said without. Lives in memory since the start of the server, bounded in every direction; written by the event loop's thread
alone. Never counts requests refused as a whole: most of them name no project.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import Struct

from sv.ingest.events import DropReason, Rejection

MAX_REJECTED_PROJECTS: Final = 100
MAX_REJECTED_SAMPLES: Final = 10
"""Rejected events kept of each code and project, to be looked at: 9,000 small records at the most. Beyond, the oldest are forgotten."""

Kind = Literal["string", "number", "boolean", "array", "object"]

_FIELDS: Final = frozenset({"event", "timestamp", "properties", "anonymousId", "userId", "sessionId", "groups", "eventId"})
_GOT: Final = ", got "
_ABSENT: Final = frozenset({"none", "neither", "null"})
_KINDS: Final[dict[DropReason, Kind]] = {DropReason.PROPERTIES_TOO_LARGE: "object", DropReason.NESTED_TOO_DEEP: "object"}


class Sample(Struct, frozen=True):
    """One rejected event. at_ms: when it came. index: its place among the events of its request.

    field: of the event, None where it is the event itself. expected: in words. got: which kind of JSON was there, None for nothing.
    """

    at_ms: int
    index: int
    events: int
    field: str | None
    expected: str
    got: Kind | None


class Reason(Struct, frozen=True):
    """What was rejected with one code. samples: the newest first."""

    code: DropReason
    count: int
    last_ms: int
    samples: tuple[Sample, ...]


class Report(Struct, frozen=True):
    """What was rejected of a project since a moment, the most frequent code first."""

    since_ms: int
    rejected: int
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _Kept:
    count: int = 0
    last_ms: int = 0
    samples: deque[Sample] = field(default_factory=lambda: deque[Sample](maxlen=MAX_REJECTED_SAMPLES))


@dataclass(slots=True)
class _OfProject:
    since_ms: int
    kept: dict[DropReason, _Kept] = field(default_factory=dict[DropReason, _Kept])


class RecentRejections:
    """At most MAX_REJECTED_PROJECTS projects, with MAX_REJECTED_SAMPLES samples of each code. Beyond, what is oldest is forgotten."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._projects: OrderedDict[str, _OfProject] = OrderedDict()
        self._complete_since_ms = now_ms()
        """A project that isn't kept had nothing rejected since then."""

    def note(self, project_id: str, rejections: Sequence[Rejection], events: int, now_ms: int) -> None:
        """Keep what is to be known of a request's rejections. events: how many events it had."""
        project = self._projects.get(project_id)
        if project is None:
            project = self._projects[project_id] = _OfProject(self._complete_since_ms)
            if len(self._projects) > MAX_REJECTED_PROJECTS:
                self._projects.popitem(last=False)
                self._complete_since_ms = now_ms
        self._projects.move_to_end(project_id)
        sampled: dict[DropReason, int] = {}
        for rejection in rejections:
            kept = project.kept.setdefault(rejection.code, _Kept())
            kept.count += 1
            kept.last_ms = now_ms
            taken = sampled.get(rejection.code, 0)
            if taken < MAX_REJECTED_SAMPLES:  # more of one request would only push each other out
                sampled[rejection.code] = taken + 1
                kept.samples.appendleft(_stripped(rejection, events, now_ms))

    def report(self, project_id: str) -> Report:
        project = self._projects.get(project_id)
        if project is None:
            return Report(self._complete_since_ms, 0, ())
        reasons = [Reason(code, kept.count, kept.last_ms, tuple(kept.samples)) for code, kept in project.kept.items()]
        reasons.sort(key=lambda reason: (-reason.count, reason.code))
        return Report(project.since_ms, sum(reason.count for reason in reasons), tuple(reasons))

    def forget_all(self, now_ms: int) -> None:
        self._projects.clear()
        self._complete_since_ms = now_ms


def _stripped(rejection: Rejection, events: int, now_ms: int) -> Sample:
    """The rejection without its value: the beginning of its message, the field if it is a known one, and the value's kind."""
    expected, _, got = rejection.message.partition(_GOT)
    shown, _, last = got.rpartition(" (")
    field_name = last.removesuffix(")")
    if field_name not in _FIELDS:
        shown, field_name = got, ""
    return Sample(
        now_ms,
        rejection.index,
        events,
        field_name or None,
        expected.removeprefix("expected "),
        _KINDS.get(rejection.code) or _kind(shown),
    )


def _kind(shown: str) -> Kind | None:
    """Of a value as `sv.model.validate.show` writes it."""
    if shown in _ABSENT:
        return None
    if shown in ("true", "false"):
        return "boolean"
    if shown.startswith('"'):
        return "string"
    if shown.startswith("a list") or shown == "something else":
        return "array"
    return "object" if shown.startswith("an object") else "number"
