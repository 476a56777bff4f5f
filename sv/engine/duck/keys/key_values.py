"""The values that codes stand for in key files: of a coded column or property, in each of many files.

For breakdowns, which show the values, and for conditions, which are asked of them. A property's values are JSON texts, or numbers in
ascending order.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.distinct import distinct
from sv.engine.duck.keys.key_files import CODED_COLUMNS, KeyFile, Reading, Value
from sv.engine.duck.keys.property_codes import PropertyColumn, Span
from sv.engine.duck.properties import IS_BOT, Property
from sv.engine.duck.run import Statements
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.port import Limits
from sv.model.part import Part

MAX_ASKED: Final = 200_000
"""Distinct texts of a property, in all files, that a breakdown shows or numbers are read from. Where there are more, the parts are read."""

_BARE: Final = re.compile(r"[ !#-\[\]-~]*")
"""What any writer of JSON puts between quotes as it is."""

Files = Sequence[tuple[Part, KeyFile]]
GiveUp = Callable[[Part, KeyFile, OSError], None]
"""Told of files that can't be read."""


class Valued(Struct, frozen=True):
    """Where a breakdown's values come from: a coded column, in which null may hide a value of another type in the JSON, or else a
    property."""

    name: str
    is_column: bool


class Dictionary(Struct, frozen=True, eq=False):
    """What codes stand for. values: each once. places: for each code the place of its value; None where code and place are the same. Files
    with the same values share one dictionary, so that what is derived from it is made once."""

    values: tuple[str | None, ...]
    places: NDArray[np.uint16] | None = None


NO_VALUES: Final = Dictionary(())


class Values(NamedTuple):
    """The codes of a column or property in one file. at, width, span: where they are, as of `PropertyColumn`."""

    at: int | None
    width: int
    dictionary: Dictionary
    span: Span | None = None


class Coded(NamedTuple):
    """What the codes of one property stand for, in many files.

    texts: the files grouped by their values, as they are in the files (`texts_in`). numbers: for files that have numbers, these by code,
    ascending from code 1 on; nan for code 0. absent: files in which no event has the property.
    """

    texts: dict[bytes, list[tuple[KeyFile, PropertyColumn]]]
    numbers: dict[KeyFile, tuple[PropertyColumn, NDArray[np.float64]]]
    absent: list[KeyFile]


class Held(NamedTuple):
    """The same with all texts taken out of the files.

    texts: the files grouped by their values: JSON texts by code, None for "absent". distinct: all the texts; where there are more than
    MAX_ASKED, `texts` and `distinct` are empty.
    """

    texts: dict[tuple[str | None, ...], list[tuple[KeyFile, PropertyColumn]]]
    numbers: dict[KeyFile, tuple[PropertyColumn, NDArray[np.float64]]]
    absent: list[KeyFile]
    distinct: set[str | None]


def valued_of(breakdown: str) -> Valued | None:
    """Where the breakdown's values come from; None for a property that is never coded."""
    column = STRING_PROPERTY_COLUMNS.get(breakdown)
    if column is not None:
        return Valued(column, is_column=True) if column in CODED_COLUMNS else None
    return None if breakdown == IS_BOT else Valued(breakdown, is_column=False)


def values_by_file(
    wanted: Valued, files: Files, statements: Statements, give_up: GiveUp, limits: Limits
) -> dict[KeyFile, Values]:
    """The values in each file that has them coded: strings for a column, JSON texts for a property, where equal numbers have equal
    texts."""
    if wanted.is_column:
        columns = {file: column for _, file in files if (column := file.columns.get(wanted.name)) is not None}
        made = {values: _dictionary(values) for values in {column.values for column in columns.values()}}
        return {file: Values(column.at, 1, made[column.values]) for file, column in columns.items()}
    held = held_values(files, wanted.name, give_up)
    found = dict.fromkeys(held.absent, Values(None, 1, Dictionary((None,))))
    whole, others = _number_texts(held)
    asked = held.distinct.union(others.values())
    params = Params()
    json = Property(wanted.name, params).json()
    statement = params.sql(f"select text, {json} from ({rows_holding(wanted.name, asked, params)})")
    shown: dict[str | None, str | None] = dict(statements.rows(statement, limits)) if asked else {}
    for texts, holders in held.texts.items():
        dictionary = _dictionary([shown[text] for text in texts])
        found |= {file: Values(column.at, column.width, dictionary, column.span) for file, column in holders}
    shown_numbers = whole | {number: shown[text] for number, text in others.items()}
    for file, (column, each) in held.numbers.items() if shown_numbers else ():
        dictionary = _dictionary([None, *map(shown_numbers.__getitem__, each[1:].tolist())])
        found[file] = Values(column.at, column.width, dictionary, column.span)
    return found


def _number_texts(held: Held) -> tuple[dict[float, str | None], dict[float, str]]:
    """Of the files in which they are numbers in order, what whole ones are shown as, and JSON of the others, however it is written there.
    Nothing where there are too many."""
    numbers = distinct(np.concatenate([np.empty(0), *(each[1:] for _, each in held.numbers.values())]))
    if numbers.size > MAX_ASKED:
        return {}, {}
    is_whole = (numbers >= -(2.0**63)) & (numbers < 2.0**64) & (numbers == np.trunc(numbers))
    whole, others = numbers[is_whole].tolist(), numbers[~is_whole].tolist()
    texts = msgspec.json.encode(others).decode()[1:-1].split(",") if others else []
    return {number: str(int(number)) for number in whole}, dict(zip(others, texts, strict=True))


def _dictionary(values: Sequence[Value]) -> Dictionary:
    numbers: dict[str | None, int] = {}
    places = [numbers.setdefault(value if isinstance(value, str) else None, len(numbers)) for value in values]
    is_same = len(numbers) == len(values)
    return Dictionary(tuple(numbers), None if is_same else np.array(places, np.uint16))


def json_texts(values: Iterable[str], statements: Statements, limits: Limits) -> dict[str, str]:
    """The JSON text of each string, made by the engine as it makes those of rows, for characters that JSON can write in several ways."""
    asked = list(values)
    texts = {value: f'"{value}"' for value in asked if _BARE.fullmatch(value)}
    if len(texts) < len(asked):
        params = Params()
        held = params.bind([value for value in asked if value not in texts])
        statement = f"select value, to_json(value)::varchar from (select unnest({held}::varchar[]) as value)"
        texts |= dict(statements.rows(params.sql(statement), limits))
    return texts


def strings_of(texts: Iterable[str], statements: Statements, limits: Limits) -> dict[str, str | None]:
    """The string that each JSON text stands for; None where it is no string."""
    asked = list(texts)
    strings: dict[str, str | None] = {text: text[1:-1] for text in asked if text[:1] == '"' and _BARE.fullmatch(text[1:-1])}
    if len(strings) < len(asked):
        params = Params()
        held = params.bind([text for text in asked if text not in strings])
        statement = f"""
            select value, case when json_type(value) = 'VARCHAR' then json_extract_string(value, '$') end
            from (select unnest({held}::varchar[]) as value)
            """
        strings |= dict(statements.rows(params.sql(statement), limits))
    return strings


def coded_values(files: Files, name: str, give_up: GiveUp) -> Coded:
    """What the property's codes stand for, in the files that have it coded."""
    found = Coded(defaultdict(list), {}, [])
    for part, file in files:
        column = file.properties.get(name)
        if column is None:
            if file.has_all_properties and name not in file.properties:
                found.absent.append(file)
            continue
        try:
            with Reading(file) as reading:
                if column.is_numeric:
                    found.numbers[file] = (column, reading.coded_numbers(column))
                else:
                    found.texts[reading.encoded_values(column)].append((file, column))
        except OSError as error:
            give_up(part, file, error)
    return found


def texts_in(encoded: bytes) -> tuple[str | None, ...]:
    """The JSON texts by code; None for "absent"."""
    return msgspec.msgpack.decode(encoded, type=tuple[str | None, ...])


def held_values(files: Files, name: str, give_up: GiveUp) -> Held:
    """What the property's codes stand for, in the files that have it coded."""
    coded = coded_values(files, name, give_up)
    held = Held({}, coded.numbers, coded.absent, set())
    for encoded, holders in coded.texts.items():
        texts = texts_in(encoded)
        held.texts.setdefault(texts, []).extend(holders)
        held.distinct.update(texts)
        if len(held.distinct) > MAX_ASKED:
            return held._replace(texts={}, distinct=set())
    return held


def rows_holding(name: str, texts: set[str | None], params: Params) -> str:
    """A select with a row for each text: the text, and `properties` in which the property has it as its value (or is absent, for None)."""
    held, key = params.bind(list(texts)), params.bind(msgspec.json.encode(name).decode())
    return f"""
        select text, case when text is null then '{{}}' else '{{' || {key} || ':' || text || '}}' end as properties
        from (select unnest({held}::varchar[]) as text)
        """
