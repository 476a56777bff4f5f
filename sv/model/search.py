"""Case-insensitive search: folding a text to the form in which texts are compared, and windows, by which longer texts are found in an
index."""

import itertools
from collections.abc import Sequence
from typing import Final

WINDOW_CHARS: Final = 3
"""Characters of a text that one character of its windows stands for."""

_FIRST_WINDOW: Final = 0x4E00
_WINDOWS: Final = 20_992


def folded(text: str) -> str:
    """The text in lower case, character by character, as DuckDB's `lower` does it.

    Python's `lower` is different: it treats `Σ` at the end of a word as `ς`, and turns `İ` into two characters. Here a part of a text has
    to become the same part of the folded text.
    """
    if text.isascii():
        return text.lower()
    return "".join(_FOLDED.get(character) or character.lower() for character in text)


def windows(text: str) -> str:
    """One character for each WINDOW_CHARS consecutive characters of the text, so two fewer characters than the text has.

    An index of trigrams over these windows is an index of five consecutive characters of the text. Five given digits in a row are in few
    texts, where three are in one of a hundred. Different texts can have the same windows, so whatever is found has to be compared.
    """
    return windows_of([text])[0]


def windows_of(texts: Sequence[str]) -> list[str]:
    """`windows` of each, all at once."""
    codes = list(map(ord, "".join(texts)))
    # Different digits, and nearly always different letters, have different windows. Windows across two texts are made, but not used.
    found = "".join(
        [
            chr(_FIRST_WINDOW + (first * 961 + second * 31 + third) % _WINDOWS)
            for first, second, third in zip(codes, codes[1:], codes[2:], strict=False)
        ]
    )
    ends = itertools.accumulate(map(len, texts))
    return [found[end - len(text) : max(end - WINDOW_CHARS + 1, end - len(text))] for text, end in zip(texts, ends, strict=True)]


def spellings(text: str) -> list[str]:
    """Every text that folds to this one: a few for each character, so only for short texts."""
    found = [""]
    for character in text:
        each = sorted({character, character.upper(), character.title(), *_FURTHER.get(character, "")})
        found = [start + one for start in found for one in each if folded(one) == character]
    return found


_FOLDED = {"İ": "i"}
_FURTHER = {"i": "İ", "k": "\u212a", "å": "\u212b", "θ": "ϴ", "ω": "\u2126", "ß": "ẞ"}
"""Characters that fold to the same lower-case character as its ordinary capital does."""
