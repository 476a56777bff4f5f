"""The settings themselves: one frozen struct, each field with its kind, its unit and its reason.

Answers for what can be set and to what if nobody sets it. Assumes that `load` built it, or a test by hand;
then the bounds of the kinds are the test's affair. Building one reads the machine's memory and cores, for
the defaults that depend on them.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, get_type_hints

from msgspec import NODEFAULT, Struct, field
from msgspec.structs import fields, force_setattr

from sv.model import ingest_limits, limits
from sv.settings import memory, values
from sv.settings.about import About, LogFormat, LogLevel, S3Addressing, Setting, show_value
from sv.settings.machine import cores_allowed, memory_allowed
from sv.settings.values import Secret

KIB: Final = limits.KIB
MIB: Final = limits.MIB
GIB: Final = 1024 * MIB
TIB: Final = 1024 * GIB

MIN_MEMORY_LIMIT: Final = 64 * MIB
DEFAULT_FLUSH_BYTES: Final = 64 * MIB
MAX_DEFAULT_QUERIES: Final = 8


def _half_of_memory() -> int:
    return max(MIN_MEMORY_LIMIT, memory_allowed() // 2)


class Settings(Struct, frozen=True, kw_only=True):
    """All settings, resolved: no field is left to be worked out."""

    # Where and how the server is reached.
    data: Annotated[
        Path,
        About(values.path(), "", "The folder that everything is kept in. One server at a time holds it."),
    ] = Path("data")
    host: Annotated[
        str,
        About(values.host(), "", "The address to listen on. By default only this machine can connect."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        About(values.whole(0, 65_535), "", "The port to listen on; 0 takes a free one and prints it."),
    ] = 8000
    public_url: Annotated[
        str | None,
        About(
            values.url(),
            "",
            "The address under which others reach the server, for links and the browser script's snippet. "
            "Without it, the address that it listens on.",
        ),
    ] = None
    base_path: Annotated[
        str,
        About(
            values.base_path(),
            "",
            "The path below which a proxy has the server on a host that others share. The proxy may hand it on or take it off.",
            "the path of public_url, if it has one",
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        About(
            values.networks(),
            "networks",
            "The proxies whose X-Forwarded-For, -Proto and -Host are believed. By default nobody's are: a visitor can send them too.",
        ),
    ] = ()

    # What pages of others load from here.
    script_path: Annotated[
        str,
        About(
            values.script_path(),
            "",
            "Where the browser client is. Lists of blocked addresses know the usual names; another one is on none of them.",
        ),
    ] = "/sv.js"
    recorder_path: Annotated[
        str,
        About(
            values.script_path(),
            "",
            "Where the part of it is that records sessions. It is loaded only by pages whose project records.",
        ),
    ] = "/recorder.js"

    # From acknowledged events to files.
    flush_seconds: Annotated[
        float,
        About(
            values.number(0.05, 3600),
            "seconds",
            "Events are written from memory to a Parquet file when the oldest has waited this long. They are in "
            "the log before they are acknowledged, so this bounds the log and the replay, not a loss.",
        ),
    ] = 10.0
    flush_events: Annotated[
        int,
        About(
            values.whole(1, 10_000_000),
            "events",
            "They are also written when so many wait: a file of this size takes a tenth of a second.",
        ),
    ] = 100_000
    flush_bytes: Annotated[
        int,
        About(
            values.size(64 * KIB, 16 * GIB),
            "bytes",
            "They are also written when so much waits: events with large properties are fewer to a file.",
            "64MiB, or half of buffer_limit where that is less",
        ),
    ] = 0
    buffer_limit: Annotated[
        int,
        About(
            values.size(limits.MAX_BODY_BYTES, TIB),
            "bytes",
            "Events that wait to be written to files. Beyond it ingest answers 503 with Retry-After, before "
            "anything is stored. At least one request of the largest size has to fit.",
            "a quarter of memory_limit without its first 176MiB, from 16MiB to 1GiB",
        ),
    ] = 0
    compact_seconds: Annotated[
        float,
        About(
            values.number(0, 86_400),
            "seconds",
            "How often small files are looked for and merged; 0 leaves it to `sv compact`. A thousand small "
            "files cost a query some ten times what one does.",
        ),
    ] = 60.0

    # The disk, told of before it is full.
    disk_budget: Annotated[
        int,
        About(
            values.size(0, 1024 * TIB),
            "bytes",
            "What the data folder should keep within. From nine tenths of it on the log, /healthz and /metrics say so; nothing "
            "is refused. 0 is none.",
        ),
    ] = 0
    disk_free_warning: Annotated[
        int,
        About(values.size(0, 1024 * TIB), "bytes", "Likewise, when the folder's disk has less free than this. 0 is never."),
    ] = GIB

    # What is recognised as sent before.
    retry_window_seconds: Annotated[
        int,
        About(
            values.whole(0, 86_400),
            "seconds",
            "A byte-identical request within it is a retry: it gets the first answer and stores nothing. 0 turns "
            "it off. Clients give up after seven seconds; queues in between may take minutes.",
        ),
    ] = 600
    event_id_window_seconds: Annotated[
        int,
        About(
            values.whole(0, 604_800),
            "seconds",
            "An `eventId` that was seen within it is stored once. 0 turns it off. Each id costs memory for as long.",
        ),
    ] = 86_400
    ingest_rate_limit: Annotated[
        float,
        About(
            values.number(0, ingest_limits.MAX_EVENTS_S),
            "events a second",
            "What one address may send to one project, with a minute's worth at once. Beyond it ingest answers 503 with Retry-After, and "
            "clients send again. 0 is no limit: an office is one address, and so is a proxy that `trusted_proxies` doesn't name.",
        ),
    ] = 0.0
    project_rate_limit: Annotated[
        float,
        About(
            values.number(0, ingest_limits.MAX_EVENTS_S),
            "events a second",
            "What all addresses together may send to one project, likewise: how fast somebody who has its public token can fill the disk.",
        ),
    ] = 0.0

    # How much queries may use.
    memory_limit: Annotated[
        int,
        About(
            values.size(MIN_MEMORY_LIMIT, 1024 * TIB, can_be_share=True),
            "bytes",
            f"What the server may take, {memory.OWN_BYTES // MIB}MiB for itself and its libraries included; the rest is for queries, "
            "which beyond their share spill to the data folder, and for waiting events. With less than "
            f"{memory.LEAST_FIRM_BYTES // MIB}MiB it may take more than it is told. "
            "The other half of the machine's memory is for the file cache, which queries live on.",
            "50% of the memory that the machine or its container allows",
        ),
    ] = field(default_factory=_half_of_memory)
    threads: Annotated[
        int,
        About(
            values.whole(1, 1024),
            "threads",
            "Threads that one query may use. While ingest is busy as many insights work as there are pairs of them.",
            "the cores that the machine or its container allows",
        ),
    ] = field(default_factory=cores_allowed)
    query_timeout_seconds: Annotated[
        float,
        About(
            values.number(0.1, limits.MAX_QUERY_S),
            "seconds",
            "A query that runs longer is stopped and answers 503. Waiting in line doesn't count; the turns that others "
            "take while ingest is busy do.",
        ),
    ] = 60.0
    query_wait_seconds: Annotated[
        float,
        About(
            values.number(0.1, limits.MAX_QUERY_S),
            "seconds",
            "A query that waits in line for longer is not run and answers 503: who asked has given up by then, or asks again.",
        ),
    ] = 30.0
    max_concurrent_queries: Annotated[
        int,
        About(
            values.whole(1, 64),
            "queries",
            "Insights that run at the same time. Each uses all threads, so that more of them mostly wait for each "
            "other, and take memory; two keep a short one from waiting for a long one. While ingest is busy, one works "
            "at a time for each two threads. Pages of events and lists have places of their own.",
            "half of threads, from 2 to 8",
        ),
    ] = 0
    query_queue_limit: Annotated[
        int,
        About(
            values.whole(0, 10_000),
            "queries",
            "Insights that wait in line, and as many pages, pages with a filter, and lists. The next one answers 503; or, where one "
            "project has more of them waiting than others, the last one of that project's.",
        ),
    ] = 32

    # What the first start makes.
    first_project_token: Annotated[
        str | None,
        About(
            values.project_token(),
            "",
            "The project token that the first start of `sv serve` on a new folder gives its project; without one, it makes one up. "
            "Later starts take no notice, and neither does `sv dev`.",
        ),
    ] = None
    first_api_token: Annotated[
        Secret | None,
        About(
            values.api_token(),
            "",
            "Likewise the API token, which may do everything and is not shown. Better in the environment than in a flag.",
        ),
    ] = None

    # People who log in, and the trail of what they change.
    login_session_hours: Annotated[
        float,
        About(
            values.number(0.001, 87_600),
            "hours",
            "How long a web login lasts, however busy it is: a cookie that was stolen ends too.",
        ),
    ] = 720.0
    login_session_idle_hours: Annotated[
        float,
        About(
            values.number(0.001, 87_600),
            "hours",
            "A web login that was not used for so long has ended: a browser left behind is somebody else's.",
        ),
    ] = 168.0
    audit_days: Annotated[
        float,
        About(
            values.number(1, 36_500),
            "days",
            "How long the audit trail keeps who changed what. It has names and addresses of users in it, so it has an end.",
        ),
    ] = 365.0

    # What events are enriched with.
    geoip_db: Annotated[
        Path | None,
        About(
            values.path(),
            "",
            "A MaxMind database (.mmdb) of countries for events whose CDN names none. Read offline.",
        ),
    ] = None

    # What the server says of itself.
    log_level: Annotated[LogLevel, About(values.choice(LogLevel), "", "The least severe lines that are logged.")] = LogLevel.INFO
    log_format: Annotated[LogFormat, About(values.choice(LogFormat), "", "Lines for people, or JSON for a log collector.")] = (
        LogFormat.TEXT
    )

    # Where recordings are kept: a folder of the server's own, or S3.
    recordings_limit: Annotated[
        int,
        About(
            values.size(limits.MAX_CHUNK_BYTES, 1024 * TIB),
            "bytes",
            "Room for all recordings. Beyond it no chunk is taken (503) until older ones expire or are erased.",
        ),
    ] = 10 * GIB
    s3_bucket: Annotated[
        str | None,
        About(
            values.name(),
            "",
            "The bucket that recordings are kept in; without one, they are kept in the data folder.",
        ),
    ] = None
    s3_endpoint: Annotated[
        str | None,
        About(values.url(), "", "The address of an S3 that is not Amazon's, such as MinIO's."),
    ] = None
    s3_region: Annotated[str, About(values.name(), "", "The bucket's region; part of every signature.")] = "us-east-1"
    s3_addressing: Annotated[
        S3Addressing,
        About(
            values.choice(S3Addressing),
            "",
            "Where the bucket's name stands in URLs: in the path or in the host. `auto` is path with an endpoint, host for Amazon's.",
        ),
    ] = S3Addressing.AUTO
    s3_access_key: Annotated[
        Secret | None, About(values.secret(), "", "The access key's id. Better in the environment than in a flag.")
    ] = None
    s3_secret_key: Annotated[
        Secret | None, About(values.secret(), "", "The secret access key. A flag would show it to every user here.")
    ] = None

    def __post_init__(self) -> None:
        self._agree_on_base_path()
        if self.buffer_limit == 0:
            force_setattr(self, "buffer_limit", memory.buffer_bytes(self.memory_limit))
        if self.flush_bytes == 0:
            force_setattr(self, "flush_bytes", min(DEFAULT_FLUSH_BYTES, self.buffer_limit // 2))
        if self.max_concurrent_queries == 0:
            force_setattr(self, "max_concurrent_queries", min(max(self.threads // 2, 2), MAX_DEFAULT_QUERIES))

    def _agree_on_base_path(self) -> None:
        """The public address has the base path in it, whichever of the two said it."""
        if self.public_url is None:
            return
        path = self.public_url.split("/", 3)[3:]
        if path and not self.base_path:
            force_setattr(self, "base_path", f"/{path[0]}")
        elif self.base_path and not path:
            force_setattr(self, "public_url", self.public_url + self.base_path)


@lru_cache(maxsize=1)
def definitions() -> tuple[Setting, ...]:
    """Every setting, in the order in which `Settings` has them."""
    hints = get_type_hints(Settings, include_extras=True)
    found: list[Setting] = []
    for entry in fields(Settings):
        about = next(item for item in hints[entry.name].__metadata__ if isinstance(item, About))
        default = about.default
        if default is None:
            default = "" if entry.default is NODEFAULT else show_value(entry.default, about.kind)
        found.append(Setting(entry.name, about, default))
    return tuple(found)
