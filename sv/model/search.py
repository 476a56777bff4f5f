"""Case-insensitive search: the form in which a searched text and what it is searched in are compared."""


def folded(text: str) -> str:
    """The text in lower case, a character at a time, as DuckDB's `lower` does it.

    Python's own knows where a word ends (`Σ` becomes `ς` there) and makes two characters of `İ`; a part of a text has to become a part of
    the text's form.
    """
    if text.isascii():
        return text.lower()
    return "".join(_FOLDED.get(character) or character.lower() for character in text)


_FOLDED = {"İ": "i"}
