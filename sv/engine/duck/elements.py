"""A rule's selector and text over the elements that an event carries in `$elements`, as one SQL expression.

`$elements` is a JSON array of elements from the clicked one outward (docs/smart-events.md). A selector holds where the clicked element or
one around it is meant by it, as the browser's `target.closest(selector)`; a text narrows that to elements with this text. Names and values
only ever meet by `=`, bound: no element can pass for another, whatever is in its attributes.

For each element a mask says which of the selector's parts it is by itself. One pass from the outermost element to the clicked one then
carries two sets of parts: those that end a chain at this very element, and those that end one at this element or around it. A part is
added where it is the first of its path, or where the part before it is in the one set (`>`) or in the other (a blank): every possible
chain is followed at once, so that `a b > c` needs no going back, and the cost is one step an element.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sv.engine.duck.sql import Params
from sv.model.limits import MAX_ELEMENTS, MAX_SELECTOR_PARTS
from sv.model.selector import ANY_ELEMENT, Part, Path, Selector

PROPERTY: Final = "/$elements"

_WIDTH: Final = MAX_SELECTOR_PARTS
"""Bits of each of the two sets, which share one bigint: ends here in the low ones, ends here or around it above them."""

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_MAX_WORDS: Final = 4
"""That are looked for before JSON is parsed."""

_ANY: Final = (Path((ANY_ELEMENT,)),)


def elements_match(selector: Selector | None, text: str | None, params: Params) -> str:
    """A two-valued expression over a row of `events`. text: its blanks already as `normal_text` makes them."""
    paths = selector.paths if selector is not None else _ANY
    names = _attributes(paths)
    masks: list[str] = []
    first = last = child_of = within = 0
    for path in paths:
        for place, part in enumerate(path.parts):
            bit = 1 << len(masks)
            is_last = place == len(path.parts) - 1
            masks.append(f"case when {_is(part, text if is_last else None, names, params)} then {bit} else 0 end")
            if place == 0:
                first |= bit
            if is_last:
                last |= bit
            elif path.combinators[place] == ">":
                child_of |= bit
            else:
                within |= bit
    added = f"(mask & ({first} | ((state & {child_of}) << 1) | (((state >> {_WIDTH}) & {within}) << 1)))"
    state = f"({added} | ((state >> {_WIDTH} << {_WIDTH}) | ({added} << {_WIDTH})))"
    source = f"from_json(json_extract(properties, {params.bind(PROPERTY)}), {params.bind(_shape(paths, text))})"
    ends = f"""
      list_reduce(
        list_reverse(list_transform({source}[:{MAX_ELEMENTS}], lambda element: ({_or(masks)})::bigint)),
        lambda state, mask: {state},
        0::bigint
      )"""
    # TRICKY: contains() first: it passes over most rows at a fraction of what parsing their JSON costs.
    return f"""
    case
      when contains(properties, '"$elements"')
        and ({_could_match(paths, text, params)})
        and json_type(properties, {params.bind(PROPERTY)}) = 'ARRAY'
      then coalesce((({ends}) >> {_WIDTH}) & {last} <> 0, false)
      else false
    end"""


def _could_match(paths: Sequence[Path], text: str | None, params: Params) -> str:
    """A condition that every event with matching elements meets: the words that a path speaks of are in its JSON."""
    by_path = [sorted(_words(path, text))[:_MAX_WORDS] for path in paths]
    if not all(by_path):
        return "true"
    return " or ".join(" and ".join(f"contains(properties, {params.bind(word)})" for word in words) for words in by_path)


def _words(path: Path, text: str | None) -> set[str]:
    """Those that stand in JSON as they are, whatever an encoder escapes, and that no number or other value is cast to."""
    spoken = [name for part in path.parts for name in (*part.ids, *part.classes)]
    for attribute in (attribute for part in path.parts for attribute in part.attributes):
        spoken += [attribute.name] if attribute.value is None else [attribute.name, attribute.value]
    spoken += (text or "").split(" ")
    return {word for word in spoken if _PLAIN.fullmatch(word)}


def _shape(paths: Sequence[Path], text: str | None) -> str:
    """The fields that are looked at and no others: each costs memory for every element of some thousand rows at once."""
    parts = [part for path in paths for part in path.parts]
    names = _attributes(paths)
    element: dict[str, Any] = {"tag": "VARCHAR"}
    if any(part.ids for part in parts) or any(test.name == "id" for part in parts for test in part.attributes):
        element["id"] = "VARCHAR"
    if any(part.classes for part in parts):
        element["classes"] = ["VARCHAR"]
    if names:
        element["attributes"] = dict.fromkeys(names, "VARCHAR")
    if text is not None:
        element["text"] = "VARCHAR"
    return msgspec.json.encode([element]).decode()


def _attributes(paths: Sequence[Path]) -> list[str]:
    """The names of attributes that are looked at, each once; an id is a field of its own."""
    return sorted({test.name for path in paths for part in path.parts for test in part.attributes} - {"id"})


def _is(part: Part, text: str | None, names: Sequence[str], params: Params) -> str:
    """The condition that `element` is this part. What has no tag is no element."""
    tests = ["element.tag is not null" if part.tag is None else f"lower(element.tag) = {params.bind(part.tag)}"]
    tests += [f"element.id = {params.bind(name)}" for name in part.ids]
    tests += [f"list_contains(element.classes, {params.bind(name)})" for name in part.classes]
    for attribute in part.attributes:
        at = f"struct_extract_at(element.attributes, {names.index(attribute.name) + 1})" if attribute.name in names else ""
        held = at or "element.id"
        tests.append(f"{held} is not null" if attribute.value is None else f"{held} = {params.bind(attribute.value)}")
    if text is not None:
        tests.append(f"trim(regexp_replace(element.text, '[ \\t\\n\\r\\f]+', ' ', 'g')) = {params.bind(text)}")
    return " and ".join(tests)


def _or(masks: Sequence[str]) -> str:
    return " | ".join(f"({mask})" for mask in masks)
