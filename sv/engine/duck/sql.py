"""SQL as text plus bound values. A value never becomes text: `Params.bind` is the one way into a statement."""

import re
from typing import Any, Final

from msgspec import Struct

_NAMES: Final = re.compile(r"\$(p\d+)")


class Sql(Struct, frozen=True):
    """A statement and the values of its `$names`. regexes: those of the values that the statement compiles as regular expressions."""

    text: str
    params: dict[str, Any]
    regexes: tuple[str, ...] = ()


class Params:
    """Collects the values of one statement while its text is put together."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple[type, Any], str] = {}
        self._regexes: list[str] = []

    def bind(self, value: Any) -> str:
        """The placeholder for a value; equal values of one type share one."""
        key = (type(value), value) if isinstance(value, str | int | bool) else (type(value), id(value))
        name = self._names.get(key)
        if name is None:
            name = f"p{len(self.values)}"
            self._names[key] = name
            self.values[name] = value
        return f"${name}"

    def bind_regex(self, pattern: str) -> str:
        """As `bind`, for a regular expression; if the statement fails, the pattern is the first suspect."""
        self._regexes.append(pattern)
        return self.bind(pattern)

    def sql(self, text: str) -> Sql:
        """The statement, with those values that it names.

        SCAR: DuckDB refuses the others. A condition that was made and not used, as of a page's numbers in more files than are cut, or of a
        week's start in a range of twelve years, was a 503, and had every file looked over for damage.
        """
        named = set(_NAMES.findall(text))
        return Sql(text, {name: value for name, value in self.values.items() if name in named}, tuple(self._regexes))
