"""CSS selectors, as far as smart events know them: from text to what each element has to be.

Answers for the grammar below, read as CSS reads it, and for refusing all else with the place at which it stops being one. Assumes nothing
of the text. Never recurses, takes time linear in the text, and raises SelectorFault alone. What a selector means for an event's elements is
the engine's to say (`sv.engine.duck.elements`).

    a, div, *            the element's tag, in any case; any tag
    #id  .class          its id; one of its classes
    [name]               it has the attribute
    [name="value"]       the attribute has exactly this value; also 'value', or a bare word
    a.buy[href]#top      all of these at once
    nav a                an `a` somewhere inside a `nav`
    nav > a              an `a` directly inside a `nav`
    nav a, #buy          either

Names are CSS identifiers, in which a backslash makes the next character an ordinary one (`md\\:flex`) or starts a code point in hexadecimal
(`\\31 st`). Ids and classes are written `#x` and `.x`: `[id="x"]` is read as the id, and `[class…]` is refused, since classes come as a
list. Everything else of CSS is refused: pseudo-classes, `+`, `~`, other comparisons of attributes, namespaces, comments.
"""

import re
from typing import Final, Literal, NoReturn

from msgspec import Struct

from sv.model import limits
from sv.model.filters import lower
from sv.model.validate import repair, show

Combinator = Literal[" ", ">"]
"""How an element stands to the one before it: somewhere inside it, or directly."""


class SelectorFault(ValueError):
    """A text that is no selector. position: of the character at which it stops being one, from 0, in the trimmed text; or its length."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at character {position + 1}")
        self.position = position


class AttributeTest(Struct, frozen=True):
    """The attribute is there and, where `value` is not None, has this value."""

    name: str
    value: str | None


class Part(Struct, frozen=True):
    """What one element has to be, all at once. tag: in lower case; None for any."""

    tag: str | None = None
    ids: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    attributes: tuple[AttributeTest, ...] = ()


ANY_ELEMENT: Final = Part()


class Path(Struct, frozen=True):
    """Parts from the outermost to the element that is meant. `combinators[i]` stands between `parts[i]` and `parts[i + 1]`."""

    parts: tuple[Part, ...]
    combinators: tuple[Combinator, ...] = ()


class Selector(Struct, frozen=True):
    """Any of `paths`. text: as it was written, trimmed."""

    text: str
    paths: tuple[Path, ...]


def parse_selector(text: str) -> Selector:
    """The selector of a text.

    Raises SelectorFault, also for one of more than `MAX_SELECTOR_CHARS` characters or `MAX_SELECTOR_PARTS` parts.
    """
    if len(text) > limits.MAX_SELECTOR_CHARS:
        raise SelectorFault(
            f"expected at most {limits.MAX_SELECTOR_CHARS:,} characters, got {len(text):,}", limits.MAX_SELECTOR_CHARS
        )
    source = repair(text).strip(_BLANKS)
    return Selector(source, _Reader(source).read())


_BLANKS: Final = " \t\n\r\f"
_BLANK: Final = re.compile(r"[ \t\n\r\f]*")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{1,6}")
# SCAR: by what they leave out of ASCII, since a range up to the last character takes Python 5 ms to compile.
_NAME_START: Final = re.compile(r"[^\x00-@\[-^`{-\x7f]")
_NAME_CHARS: Final = re.compile(r"[^\x00-,./:-@\[-^`{-\x7f]+")
_LINE_ENDS: Final = "\n\r\f"
_REFUSED: Final = {
    ":": "pseudo-classes are not supported",
    "+": "the combinator + is not supported",
    "~": "the combinator ~ is not supported",
    "|": "namespaces are not supported",
    "/": "comments are not supported",
}


class _Reader:
    """Reads a trimmed text from its start, once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._part_count = 0

    def read(self) -> tuple[Path, ...]:
        paths = [self._read_path()]
        while self._peek() == ",":
            self._at += 1
            self._skip_blanks()
            paths.append(self._read_path())
        if self._peek():
            self._refuse("a selector's end")
        return tuple(paths)

    def _read_path(self) -> Path:
        """Parts up to a comma or the end, blanks before which are taken too."""
        parts = [self._read_part()]
        combinators: list[Combinator] = []
        while True:
            has_blank = self._skip_blanks()
            combinator: Combinator = " "
            if self._peek() == ">":
                combinator = ">"
                self._at += 1
                self._skip_blanks()
            elif not has_blank or self._peek() in ("", ","):
                return Path(tuple(parts), tuple(combinators))
            combinators.append(combinator)
            parts.append(self._read_part())

    def _read_part(self) -> Part:
        start = self._at
        tag: str | None = None
        ids: list[str] = []
        classes: list[str] = []
        attributes: list[AttributeTest] = []
        if self._peek() == "*":
            self._at += 1
        elif self._peek() not in ("", "#", ".", "["):
            tag = lower(self._read_name("a tag, *, #id, .class or [attribute]"))
        while (sign := self._peek()) in ("#", ".", "[") and sign:
            self._at += 1
            if sign == "#":
                ids.append(self._read_name("an id"))
            elif sign == ".":
                classes.append(self._read_name("a class"))
            else:
                self._read_attribute(ids, attributes)
        if self._at == start:
            self._refuse("a tag, *, #id, .class or [attribute]")
        self._part_count += 1
        if self._part_count > limits.MAX_SELECTOR_PARTS:
            raise SelectorFault(f"expected at most {limits.MAX_SELECTOR_PARTS} parts", start)
        return Part(tag, tuple(ids), tuple(classes), tuple(attributes))

    def _read_attribute(self, ids: list[str], attributes: list[AttributeTest]) -> None:
        """What follows a `[`, up to and with the `]`."""
        self._skip_blanks()
        start = self._at
        name = lower(self._read_name("an attribute's name"))
        self._skip_blanks()
        value: str | None = None
        if self._peek() == "=":
            self._at += 1
            self._skip_blanks()
            value = self._read_string() if self._peek() in ('"', "'") else self._read_name("a value")
            self._skip_blanks()
        if self._peek() != "]":
            self._refuse("]" if value is not None else "= or ]")
        self._at += 1
        if name == "class":
            raise SelectorFault("classes are written as .name, not as an attribute", start)
        if name == "id" and value is not None:
            ids.append(value)
        else:
            attributes.append(AttributeTest(name, value))

    def _read_name(self, expected: str) -> str:
        """An identifier: a letter, `_`, `-` before one, `--`, or an escape first; then also digits."""
        read: list[str] = []
        start = self._at
        if self._peek() == "-":
            read.append("-")
            self._at += 1
        following = self._peek()
        if not (_NAME_START.match(following) or (following == "\\" and self._is_escape()) or (read and following == "-")):
            self._at = start if following else self._at
            self._refuse(expected)
        while True:
            if found := _NAME_CHARS.match(self._text, self._at):
                read.append(found[0])
                self._at = found.end()
            elif self._peek() == "\\" and self._is_escape():
                read.append(self._read_escape())
            else:
                return "".join(read)

    def _read_string(self) -> str:
        """A quoted string; an escaped line's end in it is nothing."""
        quote, start = self._peek(), self._at
        read: list[str] = []
        self._at += 1
        while (char := self._peek()) != quote:
            if not char or char in _LINE_ENDS:
                raise SelectorFault(f"a string that {quote} does not end", start)
            if char != "\\":
                read.append(char)
                self._at += 1
            elif self._text[self._at + 1 : self._at + 2] in ("\n", "\r", "\f"):
                self._at += 3 if self._text.startswith("\r\n", self._at + 1) else 2
            elif self._is_escape():
                read.append(self._read_escape())
            else:
                raise SelectorFault(f"a string that {quote} does not end", start)
        self._at += 1
        return "".join(read)

    def _is_escape(self) -> bool:
        """Whether the backslash here escapes something: not a line's end, and not nothing."""
        following = self._text[self._at + 1 : self._at + 2]
        return bool(following) and following not in _LINE_ENDS

    def _read_escape(self) -> str:
        """A backslash and what it escapes: up to six hexadecimal digits with a blank that ends them, or the character itself."""
        self._at += 1
        found = _HEX.match(self._text, self._at)
        if found is None:
            self._at += 1
            return self._text[self._at - 1]
        self._at = found.end()
        if self._text.startswith("\r\n", self._at):
            self._at += 2
        elif self._peek() and self._peek() in _BLANKS:
            self._at += 1
        code = int(found[0], 16)
        return repair(chr(code)) if code <= 0x10FFFF else "\ufffd"

    def _skip_blanks(self) -> bool:
        """Whether there were any."""
        start = self._at
        found = _BLANK.match(self._text, start)
        self._at = found.end() if found else start
        return self._at > start

    def _peek(self) -> str:
        """The next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def _refuse(self, expected: str) -> NoReturn:
        char = self._peek()
        got = show(char) if char else "the end"
        why = f" ({_REFUSED[char]})" if char in _REFUSED else ""
        raise SelectorFault(f"expected {expected}, got {got}{why}", self._at)
