"""Texts of the OpenAPI document that several places share, and its introduction.

Answers for the caller's rules of filters, dates, insights and ingest in words; bounds come from `sv.model.limits`. The rules themselves
are kept in `sv.model`, `sv.insights` and `sv.ingest`: who changes one there changes its words here.
"""

from typing import Final

from sv.imports.chunks import CHUNK_ROWS
from sv.imports.receiving import MAX_CHUNK_BODY_BYTES
from sv.model import limits

INTRODUCTION: Final = f"""\
Takes events, keeps each one that it acknowledges, and answers lists, trends and funnels over events that arrived a moment ago.

**Credentials.** Ingest takes the public *project token* (`sv_pub_…`) in the body. Everything else takes an *API token* (`sv_…`) as
`Authorization: Bearer`. An API token has scopes, each of which contains the one before: `read`, `write`, `admin`; and it is for one
project or for all. Nothing of one project is visible through another's credentials.

**Errors** are `{{"error", "code"}}`, for a body of the wrong shape with `details`: a list of `{{"field", "message"}}`. `error` names the
field and the value. An unknown query parameter is an error, too. An unknown route is 404 `NOT_FOUND`, a method that a route does not
have 405 `METHOD_NOT_ALLOWED` with `Allow`.

**Lists** are newest first, `{{"data", "meta": {{"next_cursor", "has_more"}}}}`. Pass `next_cursor` as `cursor` to get the next page: a page
far down costs what the first one does, and while events keep arriving each item that was there for page 1 is shown once.

**Times** are ISO 8601 in UTC with milliseconds. Query bodies are `snake_case`, at most {limits.MAX_QUERY_BODY_BYTES:,} bytes of JSON, and
an unknown field in one is an error; ingest bodies are `camelCase`, and unknown fields in them are ignored. In both, null for an optional
field is the same as leaving it out.

**Retry** on 503, after `Retry-After` seconds; ingest may be retried with the same bytes without making duplicates.
"""

DATES: Final = """\
A date, a datetime or a relative one, read in the query's timezone, else the project's:

| text | as `date_from` | as `date_to` |
|---|---|---|
| `2025-01-31` | from the start of that day | that day included whole |
| `2025-01-31T12:00`, with `:SS.fff`, `Z` or `+02:00` if wanted | from that instant | up to it, excluded |
| `-7d`, `-2w`, `-3mo`, `-1y`, `-0d` (today) | as the date that long before today | the same |
| `-24h`, `-30min` | from that long before now | up to it, excluded |

`-3m` is refused: minutes to some, months to others. A local time that a clock change skips is read as if the clock had not changed yet; of
one that repeats, the first is meant. Years 1970 to 9999."""

DATE_PATTERN: Final = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+\- ][0-9]{2}:?[0-9]{2})?)?"
    r"|-[0-9]{1,6}(min|h|d|w|mo|y))$"
)

FILTER: Final = f"""\
One condition on one property. Of a list all must hold, at most {limits.MAX_FILTERS} in all. `operator` is `exact` where absent.

A filter compares by JSON type: `"10"` is not `10`, `true` is not `1`, `10` is `10.0`. Integers of 64 bits compare exactly, all other
numbers as doubles. An array or an object equals nothing. A property that is null is the same as one that is absent.

On `$current_url` a value that starts with `/` is compared with the URL's path (query, fragment and one slash at its end ignored), any other
value with the whole URL. `icontains` reads the path as if it ended in one slash, so that `/blog/` is in `…/blog` and not in `…/blogger`;
`regex` may be found in the path with or without it. In a list each value goes by its own first character.

Properties are the client's own and those that ingest added: `$browser`, `$browser_version`, `$os`, `$device_type`, `$country`,
`$referring_domain`, `utm_source`, `utm_medium`, `utm_campaign`, `utm_term`, `utm_content`, `$is_bot`."""

OPERATOR: Final = """\
| operator | holds for |
|---|---|
| `exact` | a value equal to the given string, number or boolean, or to any of a list of them |
| `icontains` | a string with the given one in it, upper and lower case being the same |
| `regex` | a string in which the expression (RE2 syntax) is found; `^…$` asks for all of it. It may have 300\
 wildcards, classes, choices and repetitions, counted ones written out; with more than 8 it sees the first 1,024 characters |
| `gt`, `gte`, `lt`, `lte` | a value of the given one's type (number or string) on that side of it; strings by code point |
| `is_set` | a property that is there and not null; takes no value |
| `is_not`, `not_icontains`, `not_regex`, `is_not_set` | wherever the other does not hold, so also for events without the property |"""

MATH: Final = """\
| math | what it measures in each bucket |
|---|---|
| `total` | events |
| `unique_persons` | different persons (an event's `distinct_id`) |
| `unique_sessions` | different sessions |
| `per_session` | events ÷ different sessions |
| `sum`, `avg`, `min`, `max`, `median`, `p90`, `p95`, `p99` | of the values of `math_property` that are numbers |

Percentiles are interpolated between neighbours."""

MODE: Final = """\
The modes of ClickHouse's `windowFunnel`, in any combination, but `allow_reentry` only with `strict_order` (else 422).

| mode | what it adds |
|---|---|
| `strict_deduplication` | a repeat of a reached step ends it for that person; repeats of step 1 do not |
| `strict_order` | after step 1, an event that is no step, or a step that comes too early, ends it for that person |
| `strict_increase` | each step must be later than the one before; events of the same millisecond do not count as later |
| `strict_once` | one event serves as one step at most |
| `allow_reentry` | with `strict_order`: a step that comes too early is passed over and ends nothing |"""

FUNNEL: Final = """\
How many persons (or sessions) go through the steps in order within `conversion_window`, counted from step 1; and how long they take.
The answer equals ClickHouse's `windowFunnel` in every mode, ties included:

- A person's level is the highest step that a chain of events reaches: each step at or after the one before it, all of them at most the
  window after step 1; an event exactly at the window's end still counts. Of one millisecond the order is the one that helps the funnel, and
  an event that matches several steps may serve as all of them. `modes` make it stricter.
- `count` of a step is of those whose level is at least that step.
- `median_seconds` and `average_seconds` of a step are over those who reached it: from the first event of the chain to the event that
  reached the step. Null where nobody did.
- `filters` choose the events that the funnel sees at all: in a strict mode an event that they shut out ends nothing.
- With a `breakdown`, `breakdowns` has the funnel for each value: the one on the person's first event that matched step 1. Most frequent
  first, then null for events without the property, then the rest together as `$other`.
- Rates over nobody are null."""

TRENDS: Final = """\
A measure over time, for up to ten events at once.

- Buckets follow the timezone over daylight-saving changes; weeks start on Monday. The first begins where its day, week, month or hour
  does, which may be before `date_from`, and has only what is in the range.
- Without `date_to` the range ends with today, or with the running hour where `interval` is `hour`. Without `date_from` it begins 30 days
  before the day on which it ends.
- A bucket without events is 0 for what counts and for `sum`, and null for an average, extreme or percentile, which have no value there.
- `total` is the measure over the whole range: of a unique math unique over the range, not a sum.
- With a `breakdown` there is a series for each value, most frequent first, null for events without the property, and `$other` for the
  rest beyond `breakdown_limit`. An event that never happened then has no series at all."""

INGEST: Final = f"""\
Stores events. 202 is sent after they are on disk, and every query sees them from then on.

- Each event stands alone: a bad one is rejected with its place and a reason, the good ones are stored. If every event is rejected the
  answer is 422 with the same fields.
- At most {limits.MAX_EVENTS_PER_REQUEST:,} events and {limits.MAX_BODY_BYTES:,} bytes a request, counted after inflating: 413 beyond.
- The body is JSON, also as `text/plain` (which `navigator.sendBeacon` sends without a preflight), also with `Content-Encoding: gzip`.
  Without a `Content-Type` it is taken for JSON. Any origin may send it (CORS).
- **Retries make no duplicates.** A byte-identical body within 10 minutes, all of whose events carry a `timestamp`, gets the first
  answer again and stores nothing. An `eventId` that was seen within 24 hours is stored once (and counted in `accepted`). Both windows
  are settings.
- Text is repaired, not refused: bytes that are no UTF-8, a NUL and a lone surrogate become U+FFFD. Of duplicate keys the last wins.
  Integers outside 64 bits become doubles. `NaN` and `Infinity`, which Python writes, become null in a request of up to 1 MiB.
- Properties are kept as they were sent. Where the client sent none of that name, the server adds `$browser`, `$browser_version`, `$os`,
  `$device_type` (Desktop, Mobile, Tablet) from the User-Agent; `$country` (ISO 3166-1 alpha-2) from a CDN's header or an offline database;
  `utm_…` and `$referring_domain` from `$current_url` and `$referrer`; `$is_bot` for known bots, which insights leave out by default. The
  address itself is not stored.
- Ingest never answers 429: clients drop a batch on any 4xx. Too much load is 503 with `Retry-After`, and nothing was stored; so is
  more from one address, or to one project, than the operator allows (`SV_INGEST_RATE_LIMIT`, `SV_PROJECT_RATE_LIMIT`)."""

IMPORT: Final = f"""\
Stores a chunk of a file's events, whole or not at all, and once: sent again, also after a restart, it answers `already` and does nothing.

- Events are checked as at ingest, and a bad one is rejected alone; a repeated body is no retry here, since the chunk's number tells.
- At most {CHUNK_ROWS:,} events and {MAX_CHUNK_BODY_BYTES:,} bytes of JSON a chunk, compressed or not: 413 beyond.
- 503 where other imports are being taken in: send it again after `Retry-After`."""

PERSONS: Final = (
    "A person is a distinct id: the user id of events that have one, else the anonymous id; in a project whose setting `identity` is"
    " `merged` a user also has the events of the anonymous ids that belong to them, and stands for these in every path and filter. The list"
    " begins with whom the server met last, and of those whom it met between two questions with whose first event has the latest time."
    " Its order never changes: paging shows everybody who was there for page 1, once, while events arrive.\n\n"
    "`properties` are traits: what `$identify` events have beside names that begin with `$`, and the objects `$set` and `$set_once` of"
    " any event. The latest event's value wins, by the event's own time and then its id; within one event `$set` wins. What `$set_once`"
    " says holds where nothing else says anything, and there the earliest event's value wins. Kept are 1,000 traits a person, those whose"
    " names come first, each of at most 8 KiB as JSON; what is longer stays in its event alone."
)

RESET: Final = """\
Deletes every event, smart event, saved insight and dashboard of every project, between tests. Projects, users and tokens stay, and the
credentials of `sv dev` are put right where they were changed or ended. Under `sv dev` alone."""

SMART_EVENTS: Final = f"""\
A smart event is a name for "any of these rules". What a rule names must hold all at once, and any rule suffices. Wherever a series, a step
or the list of events takes an event's name it takes an `action_id` instead, and a smart event applies to the past as well.

- `name` is unique among the project's smart events that are not archived (409).
- Archived ones are listed with `include_archived=true` alone, and go on working by their id.
- One that a saved insight uses can't be deleted: the 409 names what uses it.
- At most {limits.MAX_SMART_EVENTS} in a project, of {limits.MAX_RULES} rules and {limits.MAX_RULE_CONDITIONS} filters each.
- Those that one funnel names come to at most {limits.MAX_FUNNEL_CONDITIONS:,} conditions."""

URL_MATCH: Final = """\
How `url` is compared: short for a filter on `$current_url` with the operator `exact`, `icontains` (for `contains`) or `regex`. As there, a
value that starts with `/` is about the URL's path; to look into the query, leave the slash off."""

SELECTOR: Final = f"""\
A CSS selector that the clicked element, or one around it, meets, as the browser's `closest()`; of what the event carries in `$elements`.
Tag, `*`, `#id`, `.class`, `[attribute]`, `[attribute="value"]`, descendant (blank), child (`>`) and lists (`,`); at most
{limits.MAX_SELECTOR_PARTS} elements in all."""

PREVIEW: Final = f"""\
`count` is of all events that the rules mean, between `date_from` and `date_to` if they are given; `events` are the newest of them, at most
`limit` ({limits.PREVIEW_LIMIT_DEFAULT} where absent; 0 for the count alone). Bots' events count, as in lists."""
