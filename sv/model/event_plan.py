"""A declared plan of events, and what arrived held against it.

Answers for what a plan says (which events there are, which properties each has, of which types, which of them every event must have), for
making one from what arrived, and for every way in which what arrived departs from one. Events and properties whose names begin with `$`
are the clients' and the server's own: a plan speaks of such an event only where it names it, and of such properties never. Never reads a
file.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

from msgspec import Struct, field

from sv.model.command_limits import MAX_DEPARTURES, MAX_PLANNED_EVENTS, MAX_PLANNED_PROPERTIES
from sv.model.errors import InvalidParameter

Kind = Literal["string", "number", "boolean", "datetime", "array", "object", "null"]
Wrong = Literal["unknown event", "missing property", "changed type", "unexpected property", "event that never came"]

OWN_PREFIX: Final = "$"
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")


class PropertyPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """types: any of which a value may have. required: on every event."""

    types: tuple[Kind, ...]
    required: bool = False
    description: str = ""


class EventPlan(Struct, frozen=True, forbid_unknown_fields=True):
    properties: dict[str, PropertyPlan] = field(default_factory=dict)
    description: str = ""


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    events: dict[str, EventPlan]


class ArrivedEvent(Struct, rename="camel"):
    """As an export has it."""

    event: str
    timestamp: str
    properties: dict[str, Any]
    user_id: str | None = None
    anonymous_id: str | None = None

    @property
    def place(self) -> str:
        """Which event it is, for a person."""
        return f"{self.user_id or self.anonymous_id} at {self.timestamp}"


class Departure(Struct, frozen=True):
    """One way in which what arrived is not what was planned, and in how many events. of: events of that name; example: who and when."""

    wrong: Wrong
    event: str
    property: str | None
    expected: str
    got: str
    count: int
    of: int
    example: str


def kind_of(value: Any) -> Kind:
    """The type of a decoded JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "datetime" if _DATETIME.fullmatch(value) else "string"
        case list():
            return "array"
        case _:
            return "object"


def make_plan(events: Iterable[ArrivedEvent]) -> Plan:
    """The plan that these events keep to: types as they came, required what each event of a name has.

    Raises InvalidParameter where there are more names than a plan may have.
    """
    counts: dict[str, int] = {}
    seen: dict[str, dict[str, tuple[int, set[Kind]]]] = {}
    for event in events:
        if event.event.startswith(OWN_PREFIX):
            continue
        counts[event.event] = counts.get(event.event, 0) + 1
        properties = seen.setdefault(event.event, {})
        for key, value in event.properties.items():
            if not key.startswith(OWN_PREFIX):
                count, kinds = properties.get(key, (0, set[Kind]()))
                kinds.add(kind_of(value))
                properties[key] = (count + 1, kinds)
        if len(seen) > MAX_PLANNED_EVENTS or len(properties) > MAX_PLANNED_PROPERTIES:
            raise InvalidParameter(
                f"a plan has at most {MAX_PLANNED_EVENTS:,} events of {MAX_PLANNED_PROPERTIES:,} properties each, and more arrived; "
                "names that are made from data belong into properties"
            )
    return Plan(
        {
            name: EventPlan(
                {key: PropertyPlan(_types(kinds), count == counts[name]) for key, (count, kinds) in sorted(found.items())}
            )
            for name, found in sorted(seen.items())
        }
    )


def _types(kinds: set[Kind]) -> tuple[Kind, ...]:
    """A property that had other texts too is no datetime."""
    return tuple(sorted(kinds - {"datetime"} if "string" in kinds else kinds))


def _fits(kind: Kind, planned: PropertyPlan) -> bool:
    return kind in planned.types or (kind == "datetime" and "string" in planned.types)


class Comparison:
    """Events held against a plan, one after the other. is_strict: properties that the plan doesn't know are departures, too."""

    def __init__(self, plan: Plan, *, is_strict: bool) -> None:
        self._plan = plan
        self._is_strict = is_strict
        self._found: dict[tuple[Wrong, str, str | None, str, str], tuple[int, str]] = {}
        self._counts: dict[str, int] = dict.fromkeys(plan.events, 0)
        self.events = 0
        self.is_cut = False
        """There were more departures than are told of."""

    def add(self, event: ArrivedEvent) -> None:
        self.events += 1
        planned = self._plan.events.get(event.event)
        if planned is None:
            if not event.event.startswith(OWN_PREFIX):
                self._note(event, "unknown event", None, "a planned event", event.event)
            return
        self._counts[event.event] += 1
        for key, wanted in planned.properties.items():
            if key not in event.properties:
                if wanted.required:
                    self._note(event, "missing property", key, " or ".join(wanted.types), "nothing")
            elif not _fits(kind := kind_of(event.properties[key]), wanted):
                self._note(event, "changed type", key, " or ".join(wanted.types), kind)
        if self._is_strict:
            for key, value in event.properties.items():
                if key not in planned.properties and not key.startswith(OWN_PREFIX):
                    self._note(event, "unexpected property", key, "no such property", kind_of(value))

    def _note(self, event: ArrivedEvent, wrong: Wrong, key: str | None, expected: str, got: str) -> None:
        place = (wrong, event.event, key, expected, got)
        known = self._found.get(place)
        if known is None and len(self._found) >= MAX_DEPARTURES:
            self.is_cut = True
            return
        count, example = known or (0, event.place)
        self._found[place] = (count + 1, example)

    def departures(self, *, is_complete: bool) -> list[Departure]:
        """Every departure once, by names. is_complete: planned events that never came are departures, too."""
        listed = [
            Departure(wrong, event, key, expected, got, count, self._counts.get(event, count), example)
            for (wrong, event, key, expected, got), (count, example) in self._found.items()
        ]
        if is_complete:
            listed += [
                Departure("event that never came", name, None, "at least one", "none", 0, 0, "")
                for name, count in self._counts.items()
                if count == 0
            ]
        return sorted(listed, key=lambda each: (each.event, each.property or "", each.wrong, each.got))
