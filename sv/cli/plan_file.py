"""A plan of events as a YAML file.

    events:
      purchase:
        description: paid, at the server
        properties:
          amount: {type: number, required: true}
          coupon: {type: [string, "null"]}

YAML, since people write and review it beside their pipeline's own. Assumes nothing of the file: names that YAML takes for something else
(`on`, `404`) are refused with the remedy, and so is a name that is there twice, which YAML itself would let the last one win.
"""

from pathlib import Path
from typing import Any, cast, get_args

from sv.model.command_limits import MAX_PLAN_BYTES, MAX_PLANNED_EVENTS, MAX_PLANNED_PROPERTIES
from sv.model.errors import InvalidParameter
from sv.model.event_plan import EventPlan, Kind, Plan, PropertyPlan
from sv.model.validate import show

HEADER = "# The events that are planned; `sv check-events` holds what arrives against it.\n"
_KINDS: tuple[Any, ...] = get_args(Kind)


def read_plan(path: Path) -> Plan:
    """Raises InvalidParameter, naming the place, for what is no plan."""
    import yaml

    class Loader(yaml.SafeLoader):
        """As YAML's, but a name twice is an error."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [(type(key), key) for key in (self.construct_object(pair[0], deep=True) for pair in node.value)]
            for index, (_, name) in enumerate(names):
                if isinstance(name, str) and names[index] in names[:index]:
                    line = node.value[index][0].start_mark.line + 1
                    raise InvalidParameter(f"{path}, line {line}: {show(name)} is there twice")
            return super().construct_mapping(node, deep)

    try:
        with path.open("rb") as file:
            data = file.read(MAX_PLAN_BYTES + 1)
        if len(data) > MAX_PLAN_BYTES:
            raise InvalidParameter(f"{path} has more than {MAX_PLAN_BYTES:,} bytes; a plan has fewer (--schema)")
        content = yaml.load(data, Loader)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise InvalidParameter(f"{path} is not there; `sv check-events --write` makes it from what arrived (--schema)") from None
    except OSError as error:
        raise InvalidParameter(f"{path} can't be read: {error.strerror} (--schema)") from error
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise InvalidParameter(f"{path}{line}: {error.problem or error.context} (--schema)") from None
    except RecursionError:
        raise InvalidParameter(f"{path} is no plan: it is nested too deep (--schema)") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InvalidParameter(f"{path} is no YAML: {str(error).partition(chr(10))[0]} (--schema)") from None
    return _plan(content, str(path))


def _plan(content: Any, path: str) -> Plan:
    fields = _fields(content, path, ("events",))
    events = _mapping(fields.get("events"), f"{path}: events", MAX_PLANNED_EVENTS)
    return Plan({name: _event(value, f"{path}: {name}") for name, value in events.items()})


def _event(content: Any, place: str) -> EventPlan:
    if content is None:
        return EventPlan()
    fields = _fields(content, place, ("description", "properties"))
    properties = _mapping(fields.get("properties"), f"{place}: properties", MAX_PLANNED_PROPERTIES)
    planned = {name: _property(value, f"{place}.{name}") for name, value in properties.items()}
    return EventPlan(planned, _text(fields.get("description"), place))


def _property(content: Any, place: str) -> PropertyPlan:
    fields = _fields(content, place, ("description", "type", "required"))
    given = fields.get("type", ...)
    # YAML's own null, without quotes, means the type of that name.
    types: list[Any] = [
        "null" if each is None else each for each in (cast("list[Any]", given) if isinstance(given, list) else [given])
    ]
    wrong = [each for each in types if each not in _KINDS]
    if wrong or not types:
        got = "nothing" if given is ... else show(wrong[0] if wrong else [])
        raise InvalidParameter(f"{place}: expected a type, one or a list of {', '.join(_KINDS)}, got {got} (type)")
    required = fields.get("required", False)
    if not isinstance(required, bool):
        raise InvalidParameter(f"{place}: expected true or false, got {show(str(required))} (required)")
    return PropertyPlan(tuple(types), required, _text(fields.get("description"), place))


def _text(content: Any, place: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    raise InvalidParameter(f"{place}: expected a text, got {show(str(content))} (description)")


def _fields(content: Any, place: str, known: tuple[str, ...]) -> dict[str, Any]:
    fields = _mapping(content, place, MAX_PLANNED_EVENTS)
    for name in fields:
        if name not in known:
            raise InvalidParameter(f"{place}: unknown field {show(name)}; there are {', '.join(known)}")
    return fields


def _mapping(content: Any, place: str, most: int) -> dict[str, Any]:
    """Names with what they stand for; none where nothing is said."""
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidParameter(f"{place}: expected names, each with what it stands for, got {show(str(content))}")
    found = cast("dict[Any, Any]", content)
    if len(found) > most:
        raise InvalidParameter(f"{place}: expected at most {most:,} names, got {len(found):,}")
    for name in found:
        if not isinstance(name, str):
            raise InvalidParameter(f"{place}: YAML takes the name {str(name)[:60]} for a {type(name).__name__}; put it in quotes")
    return found


def plan_text(plan: Plan) -> str:
    """The file's content. Names that YAML would take for something else are in quotes."""
    import yaml

    content = {"events": {name: _event_content(event) for name, event in plan.events.items()}}
    return HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _event_content(event: EventPlan) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, each in event.properties.items():
        kinds: list[str] = list(each.types)
        properties[name] = {"type": kinds if len(kinds) > 1 else kinds[0]} | ({"required": True} if each.required else {})
    return {"properties": properties} if properties else {}
