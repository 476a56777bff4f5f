"""From a row to a struct: columns are named and ordered as the struct's fields."""

from typing import TypeVar

import msgspec

from sv.meta.db import Row
from sv.meta.errors import FolderDamaged

S = TypeVar("S", bound=msgspec.Struct)


def columns(shape: type[S], table: str = "") -> str:
    """The struct's fields as a list of columns, each with the table's name in front if one is given."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + name for name in shape.__struct_fields__)


def to_struct(shape: type[S], row: Row, **instead: object) -> S:
    """The row of `columns(shape)` as a struct; `instead` gives fields that are kept in another form.

    Raises FolderDamaged where a value can't be right: somebody else wrote it.
    """
    fields: dict[str, object] = dict(zip(shape.__struct_fields__, row, strict=True))
    try:
        # Not strict, since SQLite keeps false and true as 0 and 1.
        return msgspec.convert(fields | instead, shape, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise FolderDamaged(f"the metadata holds a {shape.__name__} that can't be right: {error}") from error
