"""An overview in SQL: visitors, pageviews and sessions by bucket, and tables of what sessions and pageviews have in common.

Reads narrow columns alone, unless a filter asks for others. Sessions come from one aggregate over the range's events. What a session was
entered by is found by the id of one event, joined afterwards: an `arg_min` for each of a dozen columns measured at four times that. Where
it was left is one column, and whether it meets the filters are two truth values, which the aggregate carries along.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from sv.engine.duck import enrich
from sv.engine.duck.filters import all_of
from sv.engine.duck.relation import attributed, in_range, joined, session_starts
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.summaries.sessions import QUIET_EVENTS
from sv.engine.duck.trend import bucket_of
from sv.engine.port import OverviewFigures, OverviewRow, Scope
from sv.model.overview import OverviewFilters, Table

FIGURES: Final = "figures"
"""The section of a row that is of a bucket, or of none: of the whole range."""

_QUIET: Final = ", ".join(f"'{name}'" for name in QUIET_EVENTS)
_PAGE: Final = "case when {0} = '' then '/' else {0} end"

_PLACE_BITS: Final = 126
_VIEWS_FIRST: Final = "case when url_path is null then 2 when is_view then 0 else 1 end"
_VIEWS_LAST: Final = "case when url_path is null then 0 when is_view then 2 else 1 end"
_ENTRY_RANK: Final = f"(id::uhugeint | (({_VIEWS_FIRST})::uhugeint << {_PLACE_BITS}))"
_EXIT_RANK: Final = f"(id::uhugeint | (({_VIEWS_LAST})::uhugeint << {_PLACE_BITS}))"
"""Of a session's events the first of the first rank and the last of the last one are those that it was entered and left by: pageviews of a
page, else events of a page, else any.

TRICKY: ids begin with their time, and no event is from after the year 4199, so that two bits above it are free.
"""

_UNRANKED: Final = f"({{}} & ((1::uhugeint << {_PLACE_BITS}) - 1))"
"""An id out of a rank."""

_WITHOUT_WWW: Final = "case when starts_with({0}, 'www.') then substr({0}, 5) else {0} end"
_OWN_HOST: Final = enrich.host(enrich.authority("current_url"))
_FOREIGN_DOMAIN: Final = f"""
    case
      when contains(lower(current_url), {_WITHOUT_WWW.format("referring_domain")})
        and coalesce({_WITHOUT_WWW.format(f"({_OWN_HOST})")} = {_WITHOUT_WWW.format("referring_domain")}, false) then null
      else referring_domain
    end
"""
"""Where the visitor came from, null where that is the same site. The text is looked for first, since taking URLs apart is dear."""

_VALUES: Final[dict[Table, str]] = {
    Table.PAGES: "page",
    Table.ENTRY_PAGES: "entry_page",
    Table.EXIT_PAGES: "exit_page",
    Table.REFERRERS: "referring_domain",
    Table.UTM_SOURCE: "utm_source",
    Table.UTM_MEDIUM: "utm_medium",
    Table.UTM_CAMPAIGN: "utm_campaign",
    Table.COUNTRIES: "country",
    Table.DEVICES: "device_type",
    Table.BROWSERS: "browser",
    Table.OS: "os",
}
_ENTRY_COLUMNS: Final = "utm_source, utm_medium, utm_campaign, country, device_type, browser, os"


class OverviewSource(Struct, frozen=True):
    """What an overview reads: a select of events, persons being distinct ids, and one of (person, user_person) where identity is merged."""

    events: str
    aliases: str | None


def overview_sql(
    source: OverviewSource,
    scope: Scope,
    filters: OverviewFilters,
    starts_ms: Sequence[int],
    tables: Sequence[Table],
    rows: int,
    params: Params,
) -> Sql:
    """(section, value, bucket, visitors, pageviews, sessions, bounces, duration in ms), null for what a section has not.

    section: FIGURES, then bucket says which (from 0) or is null for the whole range; else a table's name, its first `rows` rows, those of
    most visitors first. scope: its range and whether bots count. A session counts if one of its events in the range meets the filters of
    events, and then with all that it has in the range.
    """
    conditions = _Conditions(scope, filters, params)
    matched = _matched(conditions)
    bucket = bucket_of(starts_ms, params)
    sections = [_figures(bucket)]
    sections += [_pages(rows) if table is Table.PAGES else _sessions_table(table, rows) for table in tables]
    return params.sql(f"""
        with events as not materialized ({source.events}),
        wanted as not materialized (select * from events where {conditions.within} and {conditions.is_wanted}),
        sessionless as not materialized ({_sessionless(conditions)}),
        sessions as materialized ({_sessions(conditions, with_exits=Table.EXIT_PAGES in tables)}),
        visits as materialized ({_visits(source, tables)}),
        matched as not materialized ({attributed(matched, source.aliases) if source.aliases else matched}),
        seen as materialized (
          select person, {bucket} as bucket, count(*) filter (where is_view) as views from matched group by all
        )
        {" union all ".join(sections)}
        """)


class _Conditions:
    """What is asked of rows of `events`, as SQL: to lie in the range, to be wanted, to meet the filters of each kind."""

    def __init__(self, scope: Scope, filters: OverviewFilters, params: Params) -> None:
        self.within = f"({in_range(scope, params)})"
        self.is_wanted = "true" if scope.include_bots else "is_bot is not true"
        self.is_match = f"({joined(all_of(filters.events, params))})"
        self.meets_entry = f"({joined(all_of(filters.entry, params))})" if filters.entry else None
        self.meets_exit = f"({joined(all_of(filters.exit, params))})" if filters.exit else None
        self.has_events_filter = bool(filters.events)
        self.has_sessions_filter = bool(filters.entry or filters.exit)
        self.filters_domain = any(item.property == "$referring_domain" for item in filters.entry)

    def rows(self, source: str) -> str:
        """A select of what sessions and pageviews are counted from, over a source of events."""
        if self.filters_domain:
            source = f"(select * replace ({_FOREIGN_DOMAIN} as referring_domain) from {source})"
        return f"""
            select id, person, timestamp, session_id, url_path, event = '$pageview' as is_view, event not in ({_QUIET}) as is_loud,
              {self.is_match} as is_match, {self.meets_entry or "true"} as meets_entry, {self.meets_exit or "true"} as meets_exit,
              {self.is_wanted} as is_wanted
            from {source}
        """


def _sessionless(conditions: _Conditions) -> str:
    """Events without a session id with when their session started; events that are left out open no gap between the others.

    Where filters ask for something, of persons alone who have such an event.
    """
    candidates = f"session_id is null and {conditions.within}"
    if conditions.has_events_filter:
        candidates += f" and person in (select person from wanted where session_id is null and {conditions.is_match})"
    return f"select * from ({session_starts(conditions.rows('events') + f' where {candidates}')}) where is_wanted"


def _sessions(conditions: _Conditions, *, with_exits: bool) -> str:
    """Each session of the range that has a match and meets the filters of sessions, by the client's id or by person and start."""
    aggregates = f"""
        min(timestamp) as began, epoch_ms(max(timestamp)) - epoch_ms(min(timestamp)) as duration_ms,
        count(*) filter (where is_view) = 1 and not bool_or(is_loud) as is_bounce,
        ({_UNRANKED.format(f"min({_ENTRY_RANK})")})::uuid as entry_id,
        {f"arg_max(url_path, {_EXIT_RANK}) filter (where url_path is not null)" if with_exits else "null::varchar"} as exit_path
    """
    conditions_of_all = ["bool_or(is_match)"] if conditions.has_events_filter else []
    conditions_of_all += [f"arg_min(meets_entry, {_ENTRY_RANK})"] if conditions.meets_entry else []
    conditions_of_all += [f"arg_max(meets_exit, {_EXIT_RANK})"] if conditions.meets_exit else []
    having = f"having {joined(conditions_of_all)}" if conditions_of_all else ""
    return f"""
        select session_id, null::bigint as owner, null::timestamp as started, {aggregates}
        from ({conditions.rows("wanted")} where session_id is not null)
        group by session_id {having}
        union all
        select null, person, started, {aggregates}
        from sessionless
        group by person, started {having}
    """


def _visits(source: OverviewSource, tables: Sequence[Table]) -> str:
    """The sessions with what the tables show of them. `person` is whose the event is that a session was entered by."""
    if all(table is Table.PAGES for table in tables):
        return "select * from sessions"
    visits = f"""
        select s.*, {_PAGE.format("exit_path")} as exit_page, {_PAGE.format("entry.url_path")} as entry_page, person,
          {_FOREIGN_DOMAIN} as referring_domain, {_ENTRY_COLUMNS}
        from sessions s
        join (select id, person, url_path, current_url, referring_domain, {_ENTRY_COLUMNS} from wanted) entry on entry.id = s.entry_id
    """
    return attributed(visits, source.aliases) if source.aliases else visits


def _matched(conditions: _Conditions) -> str:
    """Events that meet the filters of events, in sessions that meet the others."""
    columns = f"person, timestamp, is_view, {_PAGE.format('url_path')} as page"
    rows = f"select * from ({conditions.rows('wanted')}) where is_match"
    if not conditions.has_sessions_filter:
        return f"select {columns} from ({rows})"
    return f"""
        select {columns} from ({rows} and session_id in (select session_id from visits where session_id is not null))
        union all
        select {columns} from sessionless
        where is_match and (person, started) in (select (owner, started) from visits where session_id is null)
    """


def _figures(bucket: str) -> str:
    return f"""
        (
          select '{FIGURES}' as section, null::varchar as value, bucket::integer as bucket, count(*) as visitors,
            sum(views)::bigint as pageviews, null::bigint as sessions, null::bigint as bounces, null::bigint as duration_ms
          from seen group by bucket
          union all
          select '{FIGURES}', null, null, count(*), coalesce(sum(views), 0)::bigint, null, null, null
          from (select person, sum(views) as views from seen group by person)
          union all
          select '{FIGURES}', null, bucket::integer, null, null, count(*), count(*) filter (where is_bounce), sum(duration_ms)::bigint
          from (select *, {bucket} as bucket from (select is_bounce, duration_ms, began as timestamp from visits))
          group by bucket
        )
    """


def _pages(rows: int) -> str:
    return f"""
        (
          select '{Table.PAGES}', page, null, count(*) as visitors, sum(views)::bigint as pageviews, null, null, null
          from (select page, person, count(*) as views from matched where is_view group by all)
          group by page
          order by visitors desc, pageviews desc, page nulls last
          limit {rows:d}
        )
    """


def _sessions_table(table: Table, rows: int) -> str:
    return f"""
        (
          select '{table}', {_VALUES[table]} as value, null, count(distinct person) as visitors, null, count(*) as sessions,
            count(*) filter (where is_bounce), sum(duration_ms)::bigint
          from visits
          group by value
          order by visitors desc, sessions desc, value nulls last
          limit {rows:d}
        )
    """


def figures(rows: Sequence[tuple[Any, ...]], buckets: int, tables: Sequence[Table]) -> OverviewFigures:
    """The statement's rows in shape. What no row names is 0."""
    measures = np.zeros((5, buckets + 1), np.int64)
    found: dict[Table, list[OverviewRow]] = {table: [] for table in tables}
    for section, value, bucket, *numbers in rows:
        if section == FIGURES:
            measures[:, buckets if bucket is None else bucket] += [number or 0 for number in numbers]
        else:
            found[Table(section)].append(OverviewRow(value, *(number or 0 for number in numbers)))
    measures[2:, buckets] = measures[2:, :buckets].sum(axis=1)  # each session is in one bucket
    return OverviewFigures(*measures, tables=found)
