"""An overview in SQL: rows of sessions, and of who saw how many pages when, out of a share of a range's events.

Reads narrow columns alone, unless a filter asks for others. Sessions come from one aggregate over the share's events. What a session was
entered by is found by the id of one event, joined afterwards: an `arg_min` for each of a dozen columns measured at four times that. Where
it was left is one column, and whether it meets the filters are two truth values, which the aggregate carries along. How sessions are kept
whole is said in `overview_shares`, what is counted from the rows in `overview_tables`.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from msgspec import Struct

from sv.engine.duck.buffer import enrich
from sv.engine.duck.filters import condition
from sv.engine.duck.overviews.overview_shares import Share
from sv.engine.duck.relation import attributed, in_range, joined, session_starts
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.summaries.sessions import QUIET_EVENTS
from sv.engine.duck.trends.trend_sql import bucket_of
from sv.engine.port import Scope
from sv.model.filters import URL_PROPERTY, Filter, Operator
from sv.model.overview import OverviewFilters, Table

HASH: Final = "hash({})"
"""Of a session id: what tells sessions apart that may be cut, until their ids do."""

IS_VIEW: Final = "event = '$pageview'"
_QUIET: Final = ", ".join(f"'{name}'" for name in QUIET_EVENTS)
IS_LOUD: Final = f"event not in ({_QUIET})"
"""That a visitor did more than to see a page."""

_PAGE: Final = "case when {0} = '' or ends_with({0}, '/') then {0} || '/' else {0} end"
"""A path as a table shows it, so that as a filter's value, which loses a slash at its end, it is this path again."""


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


class Kind(IntEnum):
    """What a row is of: a session, a person in a bucket, a person and a page."""

    VISIT = 0
    SEEN = 1
    PAGE = 2


class OverviewSource(Struct, frozen=True):
    """What an overview reads: a select of events in which persons are distinct ids, and, where identity is merged, a select of (person,
    user_person)."""

    events: str
    aliases: str | None


class OverviewSql:
    """The statements of one share, each asked by itself. starts_ms: the beginnings of the range's buckets.

    A session counts if one of its events in the range meets the filters on events; then everything that it has in the range counts.
    """

    def __init__(
        self,
        source: OverviewSource,
        share: Share,
        filters: OverviewFilters,
        starts_ms: Sequence[int],
        params: Params,
        *,
        include_bots: bool,
    ) -> None:
        self._source = source
        self._share = share
        self._conditions = _Conditions(share, filters, params, include_bots=include_bots)
        self._starts_ms = starts_ms
        self._params = params

    def rows(self, kinds: Sequence[Kind], tables: Sequence[Table]) -> Sql:
        """Rows of all these kinds, with their `kind`, and null in what only others have. session_hash is null where the share isn't cut.

        VISIT: session_hash, is_kept, bucket, is_bounce, duration_ms of a session, which is in the bucket of its first event; and, where a
        table needs it, person and the table's value under its name. Of a cut share there is a row also of each session that the filters
        shut out, with nothing else in it.
        SEEN: person, bucket, views: how many pages a person saw in a bucket, also where it is none. PAGE: person, page, views. Both with
        session_hash where sessions are filtered by.
        """
        selects: list[str] = []
        if Kind.VISIT in kinds:
            selects += self._visit_rows(tables)
        if Kind.SEEN in kinds:
            views = "count(*) filter (where is_view)"
            selects.append(self._counts(Kind.SEEN, f"person, {self._bucket()}::integer as bucket, {views} as views from matched"))
        if Kind.PAGE in kinds:
            selects.append(self._counts(Kind.PAGE, "person, page, count(*) as views from matched where is_view"))
        return self._params.sql(f"with {self._relations(kinds, tables)} {' union all by name '.join(selects)}")

    def _visit_rows(self, tables: Sequence[Table]) -> list[str]:
        values = [f"{_VALUES[table]} as {table}" for table in tables if table is not Table.PAGES]
        columns = ["bucket", "is_bounce", "duration_ms", *(["person", *values] if values else [])]
        bucketed = f"select *, {self._bucket()}::integer as bucket from (select *, began as timestamp from visits)"
        selects = [f"select {Kind.VISIT:d} as kind, session_hash, true as is_kept, {', '.join(columns)} from ({bucketed})"]
        if self._share.is_cut and self._conditions.is_kept != "true":
            selects.append(f"select {Kind.VISIT:d} as kind, session_hash, false as is_kept from sessions where not is_kept")
        return selects

    def _counts(self, kind: Kind, what: str) -> str:
        session_hash = "session_hash, " if self._share.is_cut and self._conditions.has_sessions_filter else ""
        return f"select {kind:d} as kind, {session_hash}{what} group by all"

    def _bucket(self) -> str:
        return bucket_of(self._starts_ms, self._params)

    def _relations(self, kinds: Sequence[Kind], tables: Sequence[Table]) -> str:
        """The common table expressions that rows are selected from. Where one statement asks for two kinds of rows of the same sessions,
        these are found once."""
        conditions = self._conditions
        once = "materialized" if len(kinds) > 1 and conditions.has_sessions_filter else "not materialized"
        relations = [
            f"events as not materialized ({self._source.events})",
            f"wanted as not materialized (select * from events where {conditions.within} and {conditions.is_wanted})",
        ]
        if Kind.VISIT in kinds or conditions.has_sessions_filter:
            sessions = [self._client_sessions(tables)] if self._share.has_clients else []
            sessions += [self._derived_sessions(tables)] if self._share.has_derived else []
            relations += [
                f"sessionless as not materialized ({self._sessionless()})",
                f"sessions as {once} ({' union all '.join(sessions)})",
                f"visits as {once} ({self._visits(tables)})",
            ]
        if any(kind is not Kind.VISIT for kind in kinds):
            matched = self._matched()
            matched = attributed(matched, self._source.aliases) if self._source.aliases else matched
            relations.append(f"matched as {once} ({matched})")
        return ", ".join(relations)

    def _sessionless(self) -> str:
        """Events without a session id with when their session started; events that are left out open no gap between the others.

        Where filters ask for something, of persons alone who have such an event.
        """
        conditions = self._conditions
        candidates = f"session_id is null and {conditions.within}"
        if conditions.has_events_filter:
            candidates += f" and person in (select person from wanted where session_id is null and {conditions.is_match})"
        return f"select * from ({session_starts(conditions.rows('events') + f' where {candidates}')}) where is_wanted"

    def _client_sessions(self, tables: Sequence[Table]) -> str:
        """The sessions with a client's id."""
        session_hash = HASH.format("session_id") if self._share.is_cut else "null::ubigint"
        return f"""
            select session_id, null::bigint as owner, null::timestamp as started, {session_hash} as session_hash,
              {self._aggregates(tables)}
            from ({self._conditions.rows("wanted")} where session_id is not null)
            group by session_id
        """

    def _derived_sessions(self, tables: Sequence[Table]) -> str:
        """The sessions without a client's id, each known by its person and its start."""
        return f"""
            select null::varchar as session_id, person as owner, started, null::ubigint as session_hash, {self._aggregates(tables)}
            from sessionless
            group by person, started
        """

    def _aggregates(self, tables: Sequence[Table]) -> str:
        has_exits = Table.EXIT_PAGES in tables
        exit_path = f"arg_max(url_path, {_EXIT_RANK}) filter (where url_path is not null)" if has_exits else "null::varchar"
        return f"""
            min(timestamp) as began, epoch_ms(max(timestamp)) - epoch_ms(min(timestamp)) as duration_ms,
            count(*) filter (where is_view) = 1 and not bool_or(is_loud) as is_bounce,
            ({_UNRANKED.format(f"min({_ENTRY_RANK})")})::uuid as entry_id,
            {exit_path} as exit_path, {self._conditions.is_kept} as is_kept
        """

    def _visits(self, tables: Sequence[Table]) -> str:
        """The sessions that count, with what the tables show of them. `person` is the person of the event by which the session was
        entered."""
        kept = "select * from sessions where is_kept"
        if all(table is Table.PAGES for table in tables):
            return kept
        visits = f"""
            select s.*, {_PAGE.format("exit_path")} as exit_page, {_PAGE.format("entry.url_path")} as entry_page, person,
              {_FOREIGN_DOMAIN} as referring_domain, {_ENTRY_COLUMNS}
            from ({kept}) s
            join (select id, person, url_path, current_url, referring_domain, {_ENTRY_COLUMNS} from wanted) entry on entry.id = s.entry_id
        """
        return attributed(visits, self._source.aliases) if self._source.aliases else visits

    def _matched(self) -> str:
        """Events that meet the filters of events, in sessions that meet the others."""
        conditions, share = self._conditions, self._share
        columns = f"person, timestamp, is_view, {_PAGE.format('url_path')} as page"
        rows = f"select * from ({conditions.rows('wanted')}) where is_match"
        if not conditions.has_sessions_filter:
            return f"select {columns} from ({rows})"
        kinds: list[str] = []
        if share.has_clients:
            session_hash = HASH.format("session_id") if share.is_cut else "null::ubigint"
            kept = "select session_id from visits where session_id is not null"
            kinds.append(f"select {session_hash} as session_hash, {columns} from ({rows} and session_id in ({kept}))")
        if share.has_derived:
            kinds.append(f"""
                select null::ubigint as session_hash, {columns}
                from sessionless
                where is_match and (person, started) in (select (owner, started) from visits where session_id is null)
            """)
        return " union all ".join(kinds)


class _Conditions:
    """What is asked of rows of `events`, as SQL: to be of the share, to be wanted, to meet the filters of each kind.

    is_kept: what is asked of all rows of a session, as an aggregate.
    """

    def __init__(self, share: Share, filters: OverviewFilters, params: Params, *, include_bots: bool) -> None:
        self.within = f"({of_share(share, params)})"
        self.is_wanted = "true" if include_bots else "is_bot is not true"
        self.is_match = f"({joined(_conditions(filters.events, params))})"
        self.has_events_filter = bool(filters.events)
        self.has_sessions_filter = bool(filters.entry or filters.exit)
        self._meets_entry = f"({joined(_conditions(filters.entry, params))})" if filters.entry else None
        self._meets_exit = f"({joined(_conditions(filters.exit, params))})" if filters.exit else None
        self._filters_domain = any(item.property == "$referring_domain" for item in filters.entry)
        conditions = ["bool_or(is_match)"] if filters.events else []
        conditions += [f"arg_min(meets_entry, {_ENTRY_RANK})"] if filters.entry else []
        conditions += [f"arg_max(meets_exit, {_EXIT_RANK})"] if filters.exit else []
        self.is_kept = f"({joined(conditions)})" if conditions else "true"

    def rows(self, source: str) -> str:
        """A select of what sessions and pageviews are counted from, over a source of events."""
        if self._filters_domain:
            source = f"(select * replace ({_FOREIGN_DOMAIN} as referring_domain) from {source})"
        return f"""
            select id, person, timestamp, session_id, url_path, {IS_VIEW} as is_view, {IS_LOUD} as is_loud,
              {self.is_match} as is_match, {self._meets_entry or "true"} as meets_entry, {self._meets_exit or "true"} as meets_exit,
              {self.is_wanted} as is_wanted
            from {source}
        """


def _conditions(items: Sequence[Filter], params: Params) -> list[str]:
    """Each filter's condition. What is set is what a table shows: of an address its path, of other properties with a column a text."""
    columns = STRING_PROPERTY_COLUMNS | {URL_PROPERTY: "url_path"}
    return [
        f"({columns[item.property]} is {'not ' if item.operator is Operator.IS_SET else ''}null)"
        if item.operator in (Operator.IS_SET, Operator.IS_NOT_SET) and item.property in columns
        else condition(item, params)
        for item in items
    ]


def of_share(share: Share, params: Params) -> str:
    """The condition that an event is of the share."""
    conditions = [in_range(Scope(share.from_ms, share.to_ms), params)]
    if not share.has_derived:
        conditions.append("session_id is not null")
    if not share.has_clients:
        conditions.append("session_id is null")
    if share.hashes is not None:
        conditions.append(f"{HASH.format('session_id')} in (select unnest({params.bind(share.hashes.tolist())}::ubigint[]))")
    if share.ids is not None:
        conditions.append(f"{HASH.format('session_id')} % {share.ids.of:d} = {share.ids.rest:d}")
    if share.persons is not None:
        conditions.append(f"person % {share.persons.of:d} = {share.persons.rest:d}")
    return joined(conditions)
