"""SQL as text plus bound values. A value never becomes text: `Params.bind` is the one way into a statement."""

from typing import Any

from msgspec import Struct


class Sql(Struct, frozen=True):
    """A statement and the values of its `$names`."""

    text: str
    params: dict[str, Any]


class Params:
    """Collects the values of one statement while its text is put together."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple[type, Any], str] = {}

    def bind(self, value: Any) -> str:
        """The placeholder for a value; equal values of one type share one."""
        key = (type(value), value) if isinstance(value, str | int | float | bool) else (type(value), id(value))
        name = self._names.get(key)
        if name is None:
            name = f"p{len(self.values)}"
            self._names[key] = name
            self.values[name] = value
        return f"${name}"

    def sql(self, text: str) -> Sql:
        return Sql(text, dict(self.values))
