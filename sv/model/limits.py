"""Bounds that users meet or that several rooms go by, each with its reason. (Of one topic: `sv.model.*_limits`; a module's own: its top.)

Answers for the numbers alone: whoever reads a request, a query or a file takes its bound from here, and names it in the message that
refuses. Never holds what an operator may change: that is in `sv.settings`. Units come last in a name; a name without a unit is a count.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# ---- Ingest: what one request may bring (docs/api.md, "Sending events") ----

MAX_EVENTS_PER_REQUEST: Final = 2000
"""The contract's. Clients send ten at a time; two thousand is a generous replay of an offline queue."""

MAX_BODY_BYTES: Final = 10 * MIB
"""The contract's, counted while inflating: a gzip bomb costs this much memory and no more."""

MAX_PROPERTIES_BYTES: Final = 64 * KIB
"""The contract's, for one event's properties as they were sent."""

MAX_DEPTH: Final = 32
"""The contract's nesting of one event. Every JSON reader after us stays far from its own recursion limit."""

MAX_DEEP_BODY_BYTES: Final = 1 * MIB
"""Of a request so deep that the decoder gives up (a thousand levels): larger ones are refused whole, not searched for good events."""

MAX_LOOP_REPAIR_BYTES: Final = 256 * KIB
"""Of a body with broken escapes, repaired on the event loop in some ten milliseconds; larger ones take a thread."""

MAX_EVENT_NAME_CHARS: Final = 200
"""The contract's, after trimming. Names are grouped and listed; longer ones are data in the wrong place."""

MAX_ID_CHARS: Final = 200
"""The contract's, for user, anonymous and session ids."""

MAX_GROUPS: Final = 100
"""Groups on one event. The client sends at most 8; the rest is room."""

MAX_GROUP_CHARS: Final = 200
"""One group's name, as the client bounds it."""

MAX_FUTURE_MS: Final = 24 * HOUR_MS
"""The contract's: how far a client's clock may be ahead. Later events would lead every list for days."""

MIN_TIMESTAMP_MS: Final = 0
"""1970-01-01T00:00:00.000Z. Earlier ones are errors of unit, and ClickHouse's `windowFunnel` takes none."""

MAX_TIMESTAMP_MS: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last instant with four digits of year. As the end of a range: no end."""

# ---- Lists ----

LIST_LIMIT_DEFAULT: Final = 100
LIST_LIMIT_MAX: Final = 1000
"""The contract's. A thousand events of 64 KiB are the largest answer that we build in memory."""

MAX_CURSOR_CHARS: Final = 2000
"""Our own with the longest id, all of it escaped, has 1,700; longer ones are not ours."""

MAX_QUERY_PARAMETERS: Final = 50
"""Parameters in one query string. The longest route knows a dozen."""

MAX_PARAMETER_CHARS: Final = 64 * KIB
"""One parameter's text. `filters` is the long one; servers in front of us cut off far earlier."""

MAX_SEARCH_CHARS: Final = 200
"""A part of an id, an address or a name. The longest id has as many."""

# ---- Filters ----

MAX_FILTERS: Final = 50
"""Filters in one list. Each is a condition in SQL for every row read."""

MAX_FILTER_VALUES: Final = 1000
"""Values in one `exact` or `is_not` list, bound one by one."""

MAX_PROPERTY_NAME_CHARS: Final = 200
MAX_FILTER_VALUE_CHARS: Final = 8192
"""A text to compare with. The longest real ones are URLs, which servers and browsers bound at 8 KiB."""

MAX_REGEX_CHARS: Final = 1000
"""A pattern compiles to an automaton whose size grows with it, and is compiled for each query."""

# ---- Smart events and saved insights ----

MAX_SMART_EVENTS: Final = 500
"""In one project, archived ones too. People choose from them in menus."""

MAX_SAVED_INSIGHTS: Final = 1000
"""In one project. Each is a body of at most `MAX_SAVED_QUERY_BYTES`."""

MAX_SAVED_QUERY_BYTES: Final = 64 * KIB
"""A saved insight's query as JSON. Those that people put together have a few hundred bytes."""

MAX_TITLE_CHARS: Final = 200
"""The name of a smart event, a saved insight or a dashboard, as long as an event's."""

MAX_RULES: Final = 20
"""Rules of one smart event, each a condition for every row read: a funnel of 32 such steps has 640."""

MAX_RULES_BYTES: Final = 64 * KIB
"""Rules of one smart event as JSON: a page of a thousand smart events has to fit into an answer."""

MAX_RULE_CONDITIONS: Final = 100
"""Filters in all rules of one smart event together, so that twenty rules can't have fifty each."""

MAX_FUNNEL_CONDITIONS: Final = 1000
"""In the rules of all the smart events that a funnel's steps name, each as often as it is named. They become one statement, which took 3 s
to prepare with 1,000 of them, and 40 s and a gigabyte with 3,000."""

MAX_SELECTOR_CHARS: Final = 1000
"""Of a CSS selector. Those that tools make up have a hundred or two."""

MAX_SELECTOR_PARTS: Final = 24
"""Elements that one selector speaks of, in all of a comma list. Two bits each go into one 64-bit number in the engine."""

MAX_RULE_PARTS: Final = 60
"""Elements that the selectors of all rules of one smart event speak of together. Each takes memory for every element of the events that are
looked at at one time: at 512 MB of it, 180 were too many."""

MAX_ELEMENT_TEXT_CHARS: Final = 1000
"""A rule's `text`. Clients send an element's text in short; what people click on is labelled in a few words."""

MAX_ELEMENTS: Final = 256
"""Elements of one event that rules look at, from the clicked one outward. Pages nest some dozens deep."""

PREVIEW_LIMIT_DEFAULT: Final = 10
PREVIEW_LIMIT_MAX: Final = 100
"""Events that a preview shows besides the count. It is to see by whether rules are right, not to read on."""

# ---- Insights ----

MAX_SERIES: Final = 10
"""The reference's, for `events` of a trends query."""

MIN_STEPS: Final = 2
MAX_STEPS: Final = 32
"""The contract's; 32 is also where ClickHouse's `windowFunnel` stops."""

MAX_MODES: Final = 32
"""Entries of a funnel's `modes`. There are five modes; repeats are harmless and count as one."""

BREAKDOWN_LIMIT_DEFAULT: Final = 25
BREAKDOWN_LIMIT_MAX: Final = 1000
"""Values of a breakdown. A chart shows some dozens; a thousand daily series are still a small answer."""

BUCKETS_MAX: Final = 10_000
"""Points of a series: over a year of hours, 27 years of days."""

MAX_TREND_VALUES: Final = 1_000_000
"""Numbers in one trends answer: series times breakdown values times buckets. About 10 MB of JSON."""

MIN_CONVERSION_WINDOW_S: Final = 1
MAX_CONVERSION_WINDOW_S: Final = 31_536_000
"""365 days. A funnel's packed keys hold the person and a time up to span + window in 64 bits."""

CONVERSION_WINDOW_DEFAULT: Final = "7d"
"""The contract's."""

OVERVIEW_ROWS_DEFAULT: Final = 10
OVERVIEW_ROWS_MAX: Final = 100
"""Rows of each table of an overview. It is for a look; who wants more asks a trend with a breakdown."""

LIVE_MS: Final = 5 * MINUTE_MS
"""How lately somebody must have done something to count as here now. A client's clock may be ahead by as much."""

RANGE_DEFAULT_DAYS: Final = 30
"""An insight without `date_from` starts at the beginning of the day this many days before today."""

MAX_RELATIVE_AMOUNT: Final = 100_000
"""The number in `-7d`. In hours this is eleven years; more is a slip of the finger."""

MAX_TIMEZONE_CHARS: Final = 64
"""An IANA name. The longest real one has 32."""

MAX_QUERY_S: Final = 3600
"""How long a query may be let run, by the settings. What only an older one could see may go."""

MAX_ALIAS_TABLES: Final = 16
"""Projects with merged identity whose aliases are in memory. A million aliases are some 30 MB."""

# ---- What an error may repeat ----

MAX_DETAILS: Final = 50
"""Wrong fields named in one answer: a body of a million unknown keys must not come back a million times."""

MAX_SHOWN_CHARS: Final = 100
"""A caller's value or field name inside a message."""

# ---- The server's own memory ----

MAX_USER_AGENT_CHARS: Final = 512
"""Of a User-Agent header, kept with each request in the log. Real ones end before; what they say is said early."""

MAX_REMEMBERED_BYTES: Final = 256 * MIB
"""Answers kept to know retries by: ten minutes of 1,700 requests a second. Beyond, the oldest are forgotten first."""

MAX_BODY_SECONDS: Final = 60
"""How long a request's body may take to arrive. Ten megabytes take so long at 1.4 Mbit/s; whoever is slower sends in smaller pieces."""

MAX_QUERY_BODY_BYTES: Final = 1 * MIB
"""A body of the query API. Requests that people and tools make are a thousand times smaller."""

# ---- Rollups: what lists of persons and their like are read from ----

MAX_PERSON_TRAITS: Final = 1000
"""Traits kept of one person: those whose names come first, by code point, which doesn't hang on the order in which they came."""

MAX_TRAIT_BYTES: Final = 8 * KIB
"""One trait's value as JSON. Longer ones stay in their events and are no traits."""

MAX_SHOWN_TRAITS_BYTES: Final = 64 * KIB
"""Of one person's traits, names and values, that an answer shows: again those whose names come first. A page has a thousand persons."""

MAX_SESSION_URL_CHARS: Final = 2048
"""Of a session's URLs, which a list keeps and finds again; the rest is cut off. Longer ones carry data and aren't looked for."""

MAX_SESSION_VALUE_CHARS: Final = 200
"""Of a session's country, device, browser and operating system likewise: they are words, unless somebody plays tricks."""

MAX_DURATION_SECONDS: Final = 10**12
"""That a filter may ask for: longer than all the time that events may lie in."""

MAX_SESSION_MOVES: Final = 200_000
"""Kept of sessions that a late event made begin earlier, for those who page through a list at that moment. Beyond, the oldest go first."""

SESSION_MOVES_KEPT_MS: Final = 6 * HOUR_MS
"""How long paging through a list may take until sessions that move meanwhile may be seen twice."""

FOLD_ROWS: Final = 25_000
"""Events that one transaction folds into the rollups, while others wait for the metadata's writer, at most ten seconds.

SCAR: with four times as many, all of new persons, others waited for nine on a machine that was busy; with these for two and a half."""


# ---- Definitions: what is kept of names ----

MAX_EVENT_NAMES: Final = 10_000
"""Event names that a project's definitions keep. Who puts ids into names has no use for a list of them, and ingest is open to everybody."""

MAX_PROPERTY_NAMES: Final = 10_000
"""Property names likewise."""

MAX_PROPERTY_PAIRS: Final = 200_000
"""Pairs of an event and a property on it, of one project: with five examples each at most some 200 MB of SQLite."""

MAX_PROPERTIES_PER_EVENT: Final = 250
"""Properties of one event that definitions look at, in the order in which they were sent. Real events have fifteen."""

MAX_PROPERTIES_PER_SUMMARY: Final = 20_000
"""Property names of a project that one fold takes in, the commonest: twice what is kept, so that only a flood of made-up names reaches it.
Of event names there is one an event at most."""

MAX_PAIRS_PER_SUMMARY: Final = 400_000
"""Pairs likewise."""

EXAMPLE_VALUES_MAX: Final = 5
"""The contract's."""

EXAMPLE_DIGITS: Final = 8
"""Of a hash before each example, by which examples are chosen: enough to part ten thousand values."""

MAX_EXAMPLE_BYTES: Final = 200
"""Of an example as JSON; longer values are none. Enough for nearly all URLs."""

MAX_DESCRIPTION_CHARS: Final = 1000
"""What owners write beside a name: a paragraph."""

VOLUME_DAYS: Final = 30
"""The contract's `volume_30d`."""

KEPT_VOLUME_DAYS: Final = 40
"""Days whose events are counted one by one: what a volume asks of, and some for a clock that was set."""

# ---- Recordings ----

MAX_RECORDING_BODY_BYTES: Final = 16 * KIB
"""A request for a URL to upload to. Three ids of the greatest length, all of them escaped, make 8 KiB."""

MAX_CHUNK_BYTES: Final = 10 * MIB
"""One chunk of a recording. A full snapshot of a heavy page has two or three megabytes."""

MAX_CHUNK_INDEX: Final = 100_000
"""The last chunk of a session: 139 hours at one every five seconds."""

MAX_SESSION_RECORDING_BYTES: Final = 1024 * MIB
"""All chunks of one session. A long day at a busy page has a tenth of it."""

MAX_OPEN_PROMISES: Final = 200_000
"""URLs that were given out and not used yet: a quarter of an hour of 200 a second. Beyond, a flood of them would fill the metadata."""

MAX_UPLOADS: Final = 96
MAX_PROJECT_UPLOADS: Final = 64
"""Chunks that are coming in at the same time: of all projects, and of one. Each holds a file open and up to MAX_PIECE_BYTES of memory."""

MAX_PIECE_BYTES: Final = 256 * KIB
"""Of a chunk, held in memory before it goes to the disk or to the network."""

MAX_UPLOAD_SECONDS: Final = 300
"""How long a chunk may take to come in: the largest one at 280 kbit/s."""

MAX_DRAIN_SECONDS: Final = 10
"""How long the rest of a refused chunk is read, so that its sender gets to see the answer."""

MAX_LISTED_CHUNKS: Final = 10_000
"""Chunks in one answer, each with its signed URL: some 4 MB of JSON. A session that has more is read on with `after`."""

# ---- Jobs ----

MAX_QUEUED_JOBS: Final = 1000
"""Of one project that wait. Each takes the time to read the project's persons once; a thousand are days of work."""

MAX_FINISHED_JOBS: Final = 1000
"""Of one project that are still listed; the oldest finished ones go first."""

EXPORT_PAGE: Final = 500
"""Events that an export of a person has in memory at once: 32 MB of the largest ones."""

EXPORT_TRIES: Final = 5
"""Of one page of an export while the server is busy. Then the export ends without its last line."""

ERASE_TRIES: Final = 3
"""Of a job that fails for no reason that passes by itself, such as a full disk, before it counts as failed."""

# ---- Exports of events ----

EXPORT_PIECE_EVENTS: Final = 100_000
"""Days with fewer events are read together: a file of many days isn't read once for each of them."""

EXPORT_ORDERED_EVENTS: Final = 400_000
"""Events that are sorted by their time in passing; of a day with more the engine would have to sort what its memory doesn't hold."""

EXPORT_BLOCK_EVENTS: Final = 2048
"""Events in one piece of an export's answer: a megabyte, as a rule."""

EXPORT_ROW_GROUP_EVENTS: Final = 122_880
EXPORT_ROW_GROUP_BYTES: Final = 32 * MIB
"""Of a row group of an exported Parquet file, in memory before it is written. There are two: one is encoded while the next one is read."""

MAX_EXPORTS: Final = 2
"""Exports that are read at the same time, each on a thread of its own. Others are told to come again."""

EXPORT_STALL_SECONDS: Final = 60
"""How long a client may take nothing of its export while others wait for its place, and a project's second one be slow."""

# ---- People ----

MAX_RETENTION_DAYS: Final = 36_500
"""A hundred years: beyond it nobody means a number of days."""

MAX_OVERLAP_HOURS: Final = 720
"""Thirty days in which the old and the new project token are both good: time to deploy everywhere."""

OVERLAP_HOURS_DEFAULT: Final = 24

MAX_LIVE_PROJECT_TOKENS: Final = 10
"""Of one project, old ones in their overlap included: ingest keeps every good token in memory."""

MAX_LOGIN_SESSIONS: Final = 20
"""Of one user; a login beyond ends the one that was used longest ago. Nobody has more browsers."""

MAX_MEMBERSHIPS: Final = 1000
"""Roles in one request, and projects that `/auth/me` lists."""

MAX_SHOWN_AGENT_CHARS: Final = 200
"""Of a browser's User-Agent, kept with a login session so that its owner knows it again."""

MAX_LOGINS_WAITING: Final = 16
"""Passwords to hash or check that wait for their turn. Each takes some 30 ms and 19 MiB, so the last waits half a second."""

LOGIN_TRIES_OF_ADDRESS: Final = 30
LOGIN_TRIES_OF_EMAIL: Final = 10
"""Wrong logins in a row before the next one has to wait; those of an address may be a whole office's."""

LOGIN_TRY_EVERY_S: Final = 30
"""How fast a try comes back: 2,880 guesses a day at one account, against 2^79 passwords made here."""

MAX_THROTTLED: Final = 10_000
"""Addresses, and e-mails, whose tries are remembered: a megabyte or two. Beyond, the one seen longest ago is forgotten."""

MAX_AUDIT_ENTRIES: Final = 1_000_000
"""In the audit trail, whatever their age. Some 300 bytes each; beyond, the oldest go."""

MAX_AUDIT_VALUE_CHARS: Final = 4000
"""Of one side of a change in the audit trail."""

# ---- The web app's files ----

MAX_UI_BYTES: Final = 4 * 1024 * 1024
"""Kept in memory once somebody asked for them, plain and zipped. All that the app has is less than half of it."""

MAX_UI_FILES: Final = 500
"""Of a build; the app has some dozens."""
