"""Case-insensitive search: the form in which a searched text and what it is searched in are compared, and what finds longer texts."""

import itertools
from collections.abc import Sequence
from typing import Final

WINDOW_CHARS: Final = 3
"""Characters of a text that one character of its windows stands for."""

_FIRST_WINDOW: Final = 0x4E00
_WINDOWS: Final = 20_992


def folded(text: str) -> str:
    """The text in lower case, a character at a time, as DuckDB's `lower` does it.

    Python's own knows where a word ends (`Σ` becomes `ς` there) and makes two characters of `İ`; a part of a text has to become a part of
    the text's form.
    """
    if text.isascii():
        return text.lower()
    return "".join(_FOLDED.get(character) or character.lower() for character in text)


def windows(text: str) -> str:
    """A character for each WINDOW_CHARS that follow each other in the text, two characters fewer than the text has.

    An index of three characters in a row, over these, is one of five in a row of the text: that many digits in a row are in few texts
    where three are in one of a hundred. Different texts can have the same windows, so what they find has to be compared.
    """
    return windows_of([text])[0]


def windows_of(texts: Sequence[str]) -> list[str]:
    """`windows` of each, all at once."""
    codes = list(map(ord, "".join(texts)))
    # Digits, and nearly always letters, that differ have windows that differ. Those over two texts are made too, and nobody takes them.
    found = "".join(
        [
            chr(_FIRST_WINDOW + (first * 961 + second * 31 + third) % _WINDOWS)
            for first, second, third in zip(codes, codes[1:], codes[2:], strict=False)
        ]
    )
    ends = itertools.accumulate(map(len, texts))
    return [found[end - len(text) : max(end - WINDOW_CHARS + 1, end - len(text))] for text, end in zip(texts, ends, strict=True)]


def spellings(text: str) -> list[str]:
    """Every text whose folded form this one is: a few for each character, and so of short texts only."""
    found = [""]
    for character in text:
        each = sorted({character, character.upper(), character.title(), *_FURTHER.get(character, "")})
        found = [start + one for start in found for one in each if folded(one) == character]
    return found


_FOLDED = {"İ": "i"}
_FURTHER = {"i": "İ", "k": "\u212a", "å": "\u212b", "θ": "ϴ", "ω": "\u2126", "ß": "ẞ"}
"""What is folded to a character that has another capital."""
