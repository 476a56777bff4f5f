"""A property's value in SQL: as text, as a number, whether it is set, and as a breakdown's JSON.

Some properties have a typed column (`schema.STRING_PROPERTY_COLUMNS`), which holds the effective value where it is a string; all
others, and values of other types, are read from the JSON. Keys are data: they are bound as JSON pointers (RFC 6901), with `~` and `/`
escaped.
"""

from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params

IS_BOT = "$is_bot"


def pointer(name: str) -> str:
    """The JSON pointer of a top-level key.

    TRICKY: DuckDB takes a bound path that starts with `$` as a JSONPath and one with `/` as a pointer, so the slash is what keeps
    names such as `$current_url` and `$.*` data.
    """
    return "/" + name.replace("~", "~0").replace("/", "~1")


class Property:
    """One property in one statement. Each method answers an SQL expression over a row of `events`."""

    def __init__(self, name: str, params: Params) -> None:
        self._name = name
        self._params = params
        self._column = STRING_PROPERTY_COLUMNS.get(name)
        self._is_bot = name == IS_BOT

    @property
    def _pointer(self) -> str:
        """Bound only where it is used: DuckDB refuses values that no placeholder names."""
        return self._params.bind(pointer(self._name))

    def kind(self) -> str:
        """The JSON type of the client's own value: 'VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE', 'BOOLEAN', 'NULL', …; null where absent."""
        return f"json_type(properties, {self._pointer})"

    def raw_text(self) -> str:
        """The client's own value as text, whatever its type."""
        return f"json_extract_string(properties, {self._pointer})"

    def text(self) -> str:
        """The value where it is a string, else null."""
        if self._column is not None:
            return self._column
        return f"case when {self.kind()} = 'VARCHAR' then {self.raw_text()} end"

    def integer(self) -> str:
        """The value where it is written as an integer of 64 bits, else null."""
        return f"case when {self.kind()} in ('BIGINT', 'UBIGINT') then try_cast({self.raw_text()} as hugeint) end"

    def fraction(self) -> str:
        """The value where it is a number that is not such an integer, else null."""
        return f"case when {self.kind()} = 'DOUBLE' then try_cast({self.raw_text()} as double) end"

    def number(self) -> str:
        """The value as a double where it is a number, else null."""
        return f"case when {self.kind()} in ('BIGINT', 'UBIGINT', 'DOUBLE') then try_cast({self.raw_text()} as double) end"

    def boolean(self) -> str:
        """The value where it is true or false, else null."""
        if self._is_bot:
            return f"case when is_bot then true when {self.kind()} = 'BOOLEAN' then false end"
        return f"case when {self.kind()} = 'BOOLEAN' then {self.raw_text()} = 'true' end"

    def is_set(self) -> str:
        """Whether there is a value: the key is there and not null. Never null itself."""
        own = f"coalesce({self.kind()}, 'NULL') <> 'NULL'"
        if self._is_bot:
            return f"(coalesce(is_bot, false) or {own})"
        return f"({self._column} is not null or {own})" if self._column is not None else f"({own})"

    def json(self) -> str:
        """The value as JSON text for grouping, null where there is none. Numbers that are equal have equal texts (10, 10.0, 1e1)."""
        number = f"try_cast({self.raw_text()} as double)"
        is_whole = f"{number} >= -9223372036854775808 and {number} < 18446744073709551616 and {number} = trunc({number})"
        own = f"""
            case {self.kind()}
              when 'NULL' then null
              when 'DOUBLE' then
                case when {is_whole} then {number}::hugeint::varchar else json_extract(properties, {self._pointer})::varchar end
              else json_extract(properties, {self._pointer})::varchar
            end
        """
        if self._is_bot:
            return f"case when is_bot then 'true' else {own} end"
        if self._column is not None:
            return f"case when {self._column} is not null then to_json({self._column})::varchar else {own} end"
        return own
