"""An overview in SQL: rows of sessions, and of who saw how many pages when, out of a share of a range's events.

Reads narrow columns alone, unless a filter asks for others. Sessions come from one aggregate over the share's events. What a session was
entered by is found by the id of one event, joined afterwards: an `arg_min` for each of a dozen columns measured at four times that. Where
it was left is one column, and whether it meets the filters are two truth values, which the aggregate carries along. How sessions are kept
whole is said in `overview_shares`, what is counted from the rows in `overview_tables`.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from sv.engine.duck import enrich
from sv.engine.duck.filters import all_of
from sv.engine.duck.overview_shares import Share
from sv.engine.duck.relation import attributed, joined, session_starts
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.summaries.sessions import QUIET_EVENTS
from sv.engine.duck.trend import bucket_of
from sv.model.overview import OverviewFilters, Table

HASH: Final = "hash({})"
"""Of a session id: what tells sessions apart that may be cut, until their ids do."""

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


class OverviewSql:
    """The statements of one share, each to be asked by itself.

    starts_ms: of the range's buckets. A session counts if one of its events in the range meets the filters of events, and then with all
    that it has in the range.
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

    def visits(self, tables: Sequence[Table]) -> Sql:
        """(session_hash, is_kept, bucket, is_bounce, duration_ms): a row a session; and, where a table needs it, person and the table's
        value under its name.

        session_hash is null where the share isn't cut; where it is, there is a row also of each session that the filters shut out, with
        nothing else in it. A session is in the bucket of its first event.
        """
        values = [f"{_VALUES[table]} as {table}" for table in tables if table is not Table.PAGES]
        columns = ["bucket", "is_bounce", "duration_ms", *(["person", *values] if values else [])]
        bucketed = f"select *, {self._bucket()}::integer as bucket from (select *, began as timestamp from visits)"
        rows = f"select session_hash, true as is_kept, {', '.join(columns)} from ({bucketed})"
        if self._share.is_cut and self._conditions.is_kept != "true":
            rows += f" union all select session_hash, false, {', '.join(['null'] * len(columns))} from sessions where not is_kept"
        return self._params.sql(f"{self._relations(tables)} {rows}")

    def seen(self) -> Sql:
        """(person, bucket, views): how many pages a person saw in a bucket, also where it is none.

        session_hash in front of them, where the share is cut and sessions are filtered by.
        """
        return self._counted(
            f"person, {self._bucket()}::integer as bucket, count(*) filter (where is_view) as views from matched"
        )

    def pages(self) -> Sql:
        """(person, page, views): how often a person saw a page; and session_hash as `seen` has it."""
        return self._counted("person, page, count(*) as views from matched where is_view")

    def _counted(self, what: str) -> Sql:
        session_hash = "session_hash, " if self._share.is_cut and self._conditions.has_sessions_filter else ""
        matched = self._matched()
        if self._source.aliases:
            matched = attributed(matched, self._source.aliases)
        relations = self._relations(()) if self._conditions.has_sessions_filter else self._wanted()
        return self._params.sql(f"{relations}, matched as not materialized ({matched}) select {session_hash}{what} group by all")

    def _bucket(self) -> str:
        return bucket_of(self._starts_ms, self._params)

    def _wanted(self) -> str:
        return f"""
            with events as not materialized ({self._source.events}),
            wanted as not materialized (select * from events where {self._conditions.within} and {self._conditions.is_wanted})
        """

    def _relations(self, tables: Sequence[Table]) -> str:
        kinds = [self._client_sessions(tables)] if self._share.has_clients else []
        kinds += [self._derived_sessions(tables)] if self._share.has_derived else []
        return f"""
            {self._wanted()},
            sessionless as not materialized ({self._sessionless()}),
            sessions as not materialized ({" union all ".join(kinds)}),
            visits as not materialized ({self._visits(tables)})
        """

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
        """Those that a person and a start tell apart."""
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
        """The sessions that count, with what the tables show of them. `person` is whose the event is that a session was entered by."""
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
        self.is_match = f"({joined(all_of(filters.events, params))})"
        self.has_events_filter = bool(filters.events)
        self.has_sessions_filter = bool(filters.entry or filters.exit)
        self._meets_entry = f"({joined(all_of(filters.entry, params))})" if filters.entry else None
        self._meets_exit = f"({joined(all_of(filters.exit, params))})" if filters.exit else None
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
            select id, person, timestamp, session_id, url_path, event = '$pageview' as is_view, event not in ({_QUIET}) as is_loud,
              {self.is_match} as is_match, {self._meets_entry or "true"} as meets_entry, {self._meets_exit or "true"} as meets_exit,
              {self.is_wanted} as is_wanted
            from {source}
        """


def of_share(share: Share, params: Params) -> str:
    """The condition that an event is of the share."""
    low, high = params.bind(share.from_ms), params.bind(share.to_ms)
    conditions = [f"timestamp >= make_timestamp_ms({low}) and timestamp < make_timestamp_ms({high})"]
    if not share.has_derived:
        conditions.append("session_id is not null")
    if not share.has_clients:
        conditions.append("session_id is null")
    if share.hashes is not None:
        conditions.append(f"{HASH.format('session_id')} in (select unnest({params.bind(share.hashes.tolist())}::ubigint[]))")
    if share.persons is not None:
        conditions.append(f"person % {share.persons.of:d} = {share.persons.rest:d}")
    return joined(conditions)
