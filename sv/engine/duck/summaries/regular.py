"""Counts the values of events that have no other properties than known ones, column by column: in two thirds of the time that it takes to
turn each event's properties into rows.

TRICKY: whether an event has other properties is told by the length of its JSON, which has to be what its known members add up to. The
engine writes a number with an exponent longer than other encoders do (5e18), so that a small unknown member might go unnoticed beside one.
Where such a number is possible (`may_differ`), none of this is used.
"""

from typing import Any, Final

import msgspec

from sv.engine.duck.properties import IS_BOT
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.summaries.known import Known
from sv.model import limits

EVENTS: Final = "counted_events"
"""The table of events' names, each with a number: grouping by a number takes a sixth less."""

COUNTED: Final = "counted"
"""The table with a row an event's number and value of one column, and one of all (`is_total`). The other columns are null in it."""

_MAY_DIFFER: Final = r"[0-9]{17}\.0|\.0{5}"
"""Of numbers as the engine writes them."""


def events_sql(rows: str) -> str:
    """A select with the rows of EVENTS."""
    return f"""
    select project_id, event, (row_number() over ())::uinteger as number
    from (select distinct project_id, event from ({rows}))
    """


def counted_sql(rows: str, known: Known) -> str:
    """A select with the rows of COUNTED. Binds `shape`, the known names as `from_json` takes them."""
    own, typed = _counted(known), _typed(known)
    values = [_kept(column, name) for column, name in own.items()] + [f"{typed[column]} as {column}" for column in typed]
    if known.has_bots:
        values.append("case when is_bot then 'true' end as bot")
    columns = [*own, *typed, *(["bot"] * known.has_bots)]
    sets = "".join(f"(number, {column}), " for column in columns)
    numbers = " or ".join(f"(not starts_with({column}, '\"') and regexp_matches({column}, '{_MAY_DIFFER}'))" for column in own)
    return f"""
    select {", ".join(["number", *columns])}, count(*) as events, grouping(number) = 1 as is_total, {numbers or "false"} as may_differ
    from (
      select {", ".join(["number", *values])}
      from ({_read(rows, known)}) join {EVENTS} using (project_id, event)
      where {_is_regular(known)}
    )
    group by grouping sets ({sets}())
    """


def named(known: Known) -> tuple[str, dict[str, Any]]:
    """The common table expression `effective` of COUNTED, and what it binds."""
    own, typed = _counted(known), _typed(known)
    names = {column: f"$names[{place}]" for place, column in enumerate(own, start=1)}
    values = {column: column for column in own}
    of_columns = {column: name for name, column in STRING_PROPERTY_COLUMNS.items()}
    for column, source in typed.items():
        names[column] = f"'{of_columns[source]}'"
        values[column] = f"""
          case when strlen({column}) <= {limits.MAX_EXAMPLE_BYTES} then to_json({column})::varchar when {column} is not null then '"' end"""
    if known.has_bots:
        names["bot"], values["bot"] = f"'{IS_BOT}'", "bot"
    name = " ".join(f"when {column} is not null then {each}" for column, each in names.items())
    value = ", ".join(["null", *values.values()])
    effective = f"""
effective as (
  select project_id, event, case when is_total then null {name} end as name, events, coalesce({value}) as value
  from {COUNTED} join {EVENTS} using (number)
  where coalesce({", ".join(["null", *values])}) is not null
)"""
    return effective, {"names": list(own.values())} if own else {}


def rest_of(rows: str, known: Known) -> str:
    """The rows that are not in COUNTED. Binds `shape`."""
    return f"select * exclude (own, {', '.join(_own(known))}) from ({_read(rows, known)}) where not ({_is_regular(known)})"


def _own(known: Known) -> dict[str, str]:
    """Columns of the clients' own values, each with its property's name."""
    return {f"own{place}": name for place, name in enumerate(known.names, start=1)}


def _counted(known: Known) -> dict[str, str]:
    """Those that count: where there is a typed column, a text is in that."""
    return {column: name for column, name in _own(known).items() if name not in STRING_PROPERTY_COLUMNS}


def _typed(known: Known) -> dict[str, str]:
    """Columns of effective values, each with the typed column that it is."""
    return {f"typed_{column}": column for column in known.columns}


def _read(rows: str, known: Known) -> str:
    members = ", ".join(f"struct_extract_at(own, {place})::varchar as own{place}" for place in range(1, len(known.names) + 1))
    return f"select *, {members} from (select *, from_json(properties, $shape) as own from ({rows}))"


def _is_regular(known: Known) -> str:
    """The condition that the known members are the whole JSON: brackets, and for each member its name in quotes, a colon, the value and,
    except for the last, a comma.

    Excludes events with a long value that is no text (what is kept of it wouldn't show the numbers in it), and with a value that is no text
    although the property has a typed column (so it isn't in that column).
    """
    own = _own(known)
    others = [f"not coalesce(starts_with({column}, '\"'), true)" for column in own if column not in _counted(known)]
    lengths = [f"coalesce(strlen({column}) + {len(msgspec.json.encode(name)) + 2}, 0)" for column, name in own.items()]
    long = [
        f"coalesce(strlen({column}) > {limits.MAX_EXAMPLE_BYTES} and not starts_with({column}, '\"'), false)" for column in own
    ]
    return f"(strlen(properties) = greatest(2, 1 + {' + '.join(lengths)}) and not ({' or '.join(long + others)}))"


def _kept(column: str, name: str) -> str:
    """What counts of an own value: of a long one the first character, which tells the kind; none where the effective one counts instead."""
    kept = f"case when strlen({column}) <= {limits.MAX_EXAMPLE_BYTES} then {column} else left({column}, 1) end"
    if name == IS_BOT:
        kept = f"nullif({kept}, 'true')"
    return f"{kept} as {column}"
