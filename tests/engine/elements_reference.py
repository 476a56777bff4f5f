"""Selectors over elements in plain Python, element by element, with all going back that CSS asks for; and selectors made at random.

Shares with the product the parsed form alone.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from sv.model.selector import AttributeTest, Part, Path, Selector
from sv.model.smart_events import normal_text

Element = dict[str, Any]


def holds(elements: object, selector: Selector | None, text: str | None) -> bool:
    """Whether the clicked element, or one around it, is meant by the selector and has the text."""
    if not isinstance(elements, list):
        return False
    chain: Sequence[Any] = elements
    return any(
        (selector is None or any(_is_path(chain, place, path) for path in selector.paths))
        and (text is None or normal_text(_text(chain[place], "text") or "") == text)
        for place in range(len(chain))
        if _text(chain[place], "tag") is not None
    )


def _is_path(chain: Sequence[Any], place: int, path: Path) -> bool:
    """Whether the element at `place` is the path's last part, with the others around it."""
    if not _is_part(chain[place], path.parts[-1]):
        return False
    if len(path.parts) == 1:
        return True
    outer = Path(path.parts[:-1], path.combinators[:-1])
    reach = [place + 1] if path.combinators[-1] == ">" else range(place + 1, len(chain))
    return any(around < len(chain) and _is_path(chain, around, outer) for around in reach)


def _is_part(element: Any, part: Part) -> bool:
    tag = _text(element, "tag")
    if tag is None:
        return False
    classes = element.get("classes") if isinstance(element.get("classes"), list) else []
    attributes = element.get("attributes") if isinstance(element.get("attributes"), dict) else {}
    held = {name: _plain(value) for name, value in attributes.items()} | {"id": _text(element, "id")}
    return (
        part.tag in (None, tag.lower())
        and all(name == _text(element, "id") for name in part.ids)
        and all(name in map(_plain, classes) for name in part.classes)
        and all(held.get(test.name) is not None and test.value in (None, held[test.name]) for test in part.attributes)
    )


def _text(element: Any, name: str) -> str | None:
    return _plain(element.get(name)) if isinstance(element, dict) else None


def _plain(value: Any) -> str | None:
    """A JSON scalar as text."""
    if value is None or isinstance(value, str):
        return value
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


# ---- At random ----

WORDS = [
    "a",
    "b",
    "DIV",
    "buy",
    "md:flex",
    "1st",
    "-",
    "--x",
    "é",
    "a b",
    'say "hi"',
    "it's",
    "\\",
    "]",
    ">",
    ",",
    "a>b",
    "\n",
    "💥",
    "%_",
]
TAGS = ["a", "b", "div", "DIV", "Span"]
KEYS = ["href", "data-x", "title", "a/b", "$.*", "~"]
TEXTS = ["Buy now", "  Buy \n now ", "buy now", "", " ", '"}]', "é"]

words = st.sampled_from(WORDS)
attributes = st.dictionaries(st.sampled_from(KEYS), st.one_of(words, st.integers(-9, 9), st.booleans(), st.none()), max_size=3)
elements = st.fixed_dictionaries(
    {"tag": st.sampled_from(TAGS)},
    optional={
        "id": words,
        "classes": st.lists(words, max_size=3),
        "attributes": attributes,
        "text": st.sampled_from(TEXTS),
        "nth_child": st.integers(1, 9),
    },
)
oddities: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        5,
        "a",
        [],
        {},
        {"tag": None},
        {"tag": "a", "classes": "buy"},
        {"tag": "a", "attributes": ["href"]},
        {"tag": "a", "classes": [None, 5]},
    ]
)
chains: st.SearchStrategy[Any] = st.one_of(
    st.lists(elements, max_size=8),
    st.lists(st.one_of(elements, oddities), max_size=6),
    st.sampled_from([None, {}, "x", 5, {"0": {"tag": "a"}}]),
)


def _part(tag: str | None, ids: list[str], classes: list[str], tests: list[AttributeTest]) -> Part:
    return Part(tag, tuple(ids), tuple(classes), tuple(tests))


tests = st.builds(AttributeTest, st.sampled_from(KEYS), st.one_of(st.none(), words, st.just("5"), st.just("true")))
parts = st.builds(
    _part,
    st.one_of(st.none(), st.sampled_from(["a", "b", "div", "span"])),
    st.lists(words, max_size=1),
    st.lists(words, max_size=2),
    st.lists(tests, max_size=1),
)


@st.composite
def paths(draw: st.DrawFn) -> Path:
    made = draw(st.lists(st.one_of(parts, st.builds(Part, st.sampled_from(["a", "b", "div"]))), min_size=1, max_size=4))
    combinators = draw(st.lists(st.sampled_from([" ", ">"]), min_size=len(made) - 1, max_size=len(made) - 1))
    return Path(tuple(made), tuple(combinators))  # pyright: ignore[reportArgumentType] - one of the two


path_lists = st.lists(paths(), min_size=1, max_size=3).map(tuple)


def written(found: Sequence[Path]) -> str:
    """The selector of these paths as CSS, as a tool would write it."""
    return ", ".join(_written_path(path) for path in found)


def _written_path(path: Path) -> str:
    text = _written_part(path.parts[0])
    for combinator, part in zip(path.combinators, path.parts[1:], strict=True):
        text += (" > " if combinator == ">" else " ") + _written_part(part)
    return text


def _written_part(part: Part) -> str:
    text = part.tag or "*"
    text += "".join(f"#{escaped(name)}" for name in part.ids) + "".join(f".{escaped(name)}" for name in part.classes)
    for test in part.attributes:
        value = "" if test.value is None else "=" + quoted(test.value)
        text += f"[{escaped(test.name)}{value}]"
    return text


def escaped(name: str) -> str:
    """As the browser's `CSS.escape`."""
    made = ""
    for place, char in enumerate(name):
        is_digit = char in "0123456789"
        if ord(char) < 32 or (is_digit and (place == 0 or (place == 1 and name[0] == "-"))):
            made += f"\\{ord(char):x} "
        elif ord(char) >= 128 or is_digit or (char.isascii() and char.isalpha()) or char == "_" or (char == "-" and name != "-"):
            made += char
        else:
            made += "\\" + char
    return made


def quoted(value: str) -> str:
    return '"' + "".join(f"\\{ord(char):x} " if char in '"\\\n\r\f' else char for char in value) + '"'
