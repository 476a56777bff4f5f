"""`events` in SQL: one project's rows of a snapshot, from files and buffers as one relation; and conditions over its rows.

Every statement of this package that reads events starts from `relation`, which is what keeps one project's data out of another's
answers: files lie by project, and buffer rows are taken by project.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.elements import elements_match
from sv.engine.duck.files import read_files
from sv.engine.duck.filters import all_of
from sv.engine.duck.schema import COLUMN_LIST, COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.port import Matcher, Scope
from sv.model.limits import MINUTE_MS
from sv.model.smart_events import Rule
from sv.model.snapshot import Snapshot

SESSION_GAP_MS: Final = 30 * MINUTE_MS
"""A derived session is a person's events that carry no session id, with no gap over this (docs/api.md, "Fields")."""

CLIENTS_SESSION_KEY: Final = "'=' || session_id"
"""The session of a row with a session id, as `keyed_sessions` names it."""

MAX_CUTS: Final = 12
"""Stretches of parts that are read each by itself. More parts are read together: a select each would cost more than it saves."""


class Cut(Struct, frozen=True):
    """A half-open stretch of a part, by Unix ms or by row numbers."""

    low: int
    high: int
    is_time: bool

    def condition(self, params: Params) -> str:
        """That a row is in it."""
        low, high = params.bind(self.low), params.bind(self.high)
        if self.is_time:
            return f"timestamp >= make_timestamp_ms({low}) and timestamp < make_timestamp_ms({high})"
        return f"file_row_number >= {low} and file_row_number < {high}"


Cuts = Mapping[int, Sequence[Cut]]
"""Of parts, by number, stretches beyond which their events may be left out."""


def relation(snapshot: Snapshot, data_folder: Path, params: Params, cuts: Cuts | None = None, wanted: str = "true") -> str:
    """A select with the columns of `schema.COLUMNS` over every event of the snapshot, except for what `cuts` leave out. wanted: a condition
    that the events have to meet in any case; with it fewer rows of the cuts are decoded."""
    selects: list[str] = []
    known = {} if cuts is None else {part: cuts[part.part_id] for part in snapshot.parts if part.part_id in cuts}
    if sum(map(len, known.values())) > MAX_CUTS:
        known = {part: () for part, each in known.items() if not each}
    together = [part for part in snapshot.parts if part not in known]
    if together:
        selects.append(read_files([data_folder / part.path for part in together]))
    for part, each in known.items():
        source = read_files([data_folder / part.path], has_numbers=any(not cut.is_time for cut in each))
        selects += [f"{source} where {cut.condition(params)} and {wanted}" for cut in each]
    for generation in snapshot.buffers:
        condition = f"project_id = {params.bind(snapshot.project_id)}"
        if snapshot.last_seq is not None:
            condition += f" and seq <= {params.bind(snapshot.last_seq)}"
        selects.append(f"select {COLUMN_LIST} from {buffer_name(generation)} where {condition}")
    if not selects:
        nothing = ", ".join(f'null::{kind} as "{name}"' for name, kind in COLUMNS.items())
        return f"select {nothing} where false"
    return "\nunion all\n".join(selects)


def with_lacking(events: str, lacking: str) -> str:
    """These events, and those of the others that have no session id: a select of what sessions follow from, beside sessions that are
    known. Both are selects; an empty one is left out."""
    return "\nunion all\n".join(filter(None, (events, lacking and f"select * from ({lacking}) where session_id is null")))


def attributed(events: str, aliases: str) -> str:
    """The same events with merged identity: `person` is the user's number where an anonymous id has a user. aliases: a select of person and
    user_person."""
    return f"""
    select e.* replace (coalesce(a.user_person, e.person) as person)
    from ({events}) e left join ({aliases}) a on e.person = a.person
    """


def in_range(scope: Scope, params: Params) -> str:
    """The condition that an event lies in the scope's range of time."""
    low, high = params.bind(scope.from_ms), params.bind(scope.to_ms)
    return f"timestamp >= make_timestamp_ms({low}) and timestamp < make_timestamp_ms({high})"


def in_scope(scope: Scope, params: Params) -> str:
    """The condition of a scope: its range, its filters, and no bots unless it includes them."""
    return joined([in_range(scope, params), of_scope(scope, params)])


def of_scope(scope: Scope, params: Params) -> str:
    """The condition of a scope without its range."""
    conditions = [] if scope.include_bots else ["is_bot is not true"]
    return joined(conditions + all_of(scope.filters, params))


def matches(matcher: Matcher, params: Params) -> str:
    """The condition of a matcher, two-valued."""
    conditions = [f"event = {params.bind(matcher.event)}"] if matcher.event is not None else []
    conditions += all_of(matcher.filters, params)
    if matcher.rules:
        conditions.append(_some_rule(matcher.rules, params))
    return joined(conditions)


def _some_rule(rules: Sequence[Rule], params: Params) -> str:
    """The condition that any of the rules holds. Where every rule names its event, the names are compared first: files are sorted by
    them."""
    terms = " or ".join(f"({_rule(rule, params)})" for rule in rules)
    names = {rule.event for rule in rules}
    if None in names or len(rules) == 1:
        return f"({terms})"
    listed = ", ".join(params.bind(name) for name in sorted(filter(None, names)))
    return f"(event in ({listed}) and ({terms}))"


def _rule(rule: Rule, params: Params) -> str:
    conditions = [f"event = {params.bind(rule.event)}"] if rule.event is not None else []
    conditions += all_of(rule.all_filters, params)
    if rule.selector is not None or rule.text is not None:
        conditions.append(elements_match(rule.selector, rule.text, params))
    return joined(conditions)


def joined(conditions: list[str]) -> str:
    """All conditions at once."""
    return "\n  and ".join(conditions) if conditions else "true"


def session_starts(rows: str, whose: Sequence[str] = ("person",)) -> str:
    """A select of `rows` with `started`: when the derived session of the row started. `rows` has person and timestamp.

    whose: the columns that a person is told apart by, none of them null; by the project too where the rows are of several.

    Exact where `rows` are all of a person's events without a session id of some range of time: two of them are in one session when no
    gap between neighbours from one to the other is over 30 minutes. A session that began before the range appears to start with its
    first event in it.
    """
    # One order in the place of a partition for each person, which takes up to twice as long.
    in_order = f"over (order by {', '.join(whose)}, timestamp)"
    is_another = " or ".join(f"lag({column}) {in_order} <> {column}" for column in whose)
    is_first = f"coalesce({is_another} or timestamp - lag(timestamp) {in_order} > to_milliseconds({SESSION_GAP_MS}), true)"
    return f"""
    select * exclude (opened), last_value(opened ignore nulls) {in_order} as started
    from (
      select *, case when {is_first} then timestamp end as opened
      from ({rows})
    )
    """


def keyed_sessions(source: str, columns: Mapping[str, str], range_condition: str, condition: str) -> str:
    """A select of person, timestamp, these columns (expressions by name) and `session_key` for the rows that meet both conditions.

    `session_key` is a session's identity within the range in one text; clients' own ids are prefixed so that none can pass for a
    derived one. Sessions are derived from all events of the range, also from those that the second condition shuts out: what a query
    leaves out opens no gap between the others.
    """
    named = "".join(f", {expression} as {name}" for name, expression in columns.items())
    named_if_kept = "".join(f", case when is_kept then {expression} end as {name}" for name, expression in columns.items())
    persons = f"select person from {source} where session_id is null and {range_condition} and {condition}"
    rows = f"""
      select person, timestamp{named_if_kept}, is_kept
      from (
        select *, {condition} as is_kept
        from {source}
        where session_id is null and {range_condition} and person in ({persons})
      )
    """
    return f"""
    select person, timestamp{named}, {CLIENTS_SESSION_KEY} as session_key
    from {source}
    where session_id is not null and {range_condition} and {condition}
    union all
    select * exclude (is_kept, started), person || '-' || epoch_ms(started) as session_key
    from ({session_starts(rows)})
    where is_kept
    """
