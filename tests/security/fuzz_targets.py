"""What the fuzzer runs inputs through, and what has to hold for every one of them. A target returns a word for what became of an input (a new
word makes the input worth keeping) and raises where something fell: an error that has no name, or a promise that didn't hold.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec

from sv.ingest.body import inflate
from sv.ingest.decode import decode, decode_quickly
from sv.ingest.events import Decoded
from sv.ingest.one_by_one import decode_slowly
from sv.ingest.rejected import RecentRejections
from sv.model.batch import Batch, decode_batch, encode_batch
from sv.model.calendar import Interval, buckets, parse_insight_range, parse_list_range, parse_timezone
from sv.model.cursor import decode_cursor, decode_numbered_cursor, encode_cursor
from sv.model.errors import ClientFault, InvalidParameter, ValidationFailed
from sv.model.json_repair import repair
from sv.model.limits import BUCKETS_MAX, MAX_EVENTS_PER_REQUEST, MAX_TIMESTAMP_MS
from sv.model.selector import SelectorFault, parse_selector
from sv.model.validate import decode_json

NOW: Final = 1_750_000_000_000
Run: TypeAlias = Callable[[bytes], str]

SECRET: Final = "s3cret-value"


def text_of(data: bytes) -> str:
    """Any text, lone surrogates among it."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


# ---- Bodies of ingest ----


def run_body(data: bytes) -> str:
    """First byte: plain, compressed here, or compressed by whoever made it. Both ways of decoding agree, and canonical events are."""
    kind, sent = data[:1], data[1:]
    try:
        if kind in (b"1", b"2"):
            sent = inflate(gzip.compress(sent, 1) if kind == b"1" else sent, "gzip")
        plain = repair(sent)
    except ClientFault as fault:
        return fault.code
    quick, slow = _outcome(decode_quickly, plain), _outcome(decode_slowly, plain)
    assert quick is None or quick == slow, (quick, slow)
    if not isinstance(slow, Decoded):
        return str(slow)
    indexes = [rejection.index for rejection in slow.rejections]
    assert indexes == sorted(set(indexes)) and all(index < slow.accepted + len(indexes) for index in indexes)
    assert 1 <= slow.accepted + len(indexes) <= MAX_EVENTS_PER_REQUEST
    kept = msgspec.json.decode(slow.events_json)
    assert len(kept) == slow.accepted
    assert all(text.isprintable() or not ({"\0"} | {chr(n) for n in (0xD800, 0xDFFF)}) & set(text) for text in _texts(kept))
    recent = RecentRejections(lambda: NOW)
    recent.note("p", slow.rejections, slow.accepted + len(indexes), NOW)
    assert recent.report("p").rejected == len(indexes)
    if kept:
        again = decode(b'{"projectToken":"t","events":' + slow.events_json + b"}", NOW)
        assert (again.rejections, again.events_json) == ((), slow.events_json)
    return " ".join(sorted({rejection.code for rejection in slow.rejections})) or "accepted"


def _outcome(way: Callable[[bytes, int], Decoded | None], body: bytes) -> Decoded | str | None:
    try:
        return way(body, NOW)
    except ClientFault as fault:
        return f"{fault.code} {type(fault).__name__}"


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            waiting += [*current, *current.values()]
        elif isinstance(current, list):
            waiting += current


# ---- The log ----

_PAYLOADS: Final = [
    encode_batch(Batch(1, "p", NOW + nth, 1, "agent", None, b"k" * 16, b"", b'[{"event":"e","timestamp":1,"userId":"u"}]' * nth))
    for nth in range(1, 6)
]


def make_segment() -> bytes:
    """A small segment as the log leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        _append(Path(folder), _PAYLOADS)
        (segment,) = Path(folder).glob("*.wal")
        return segment.read_bytes().rstrip(b"\0") + bytes(64)


def run_log(data: bytes) -> str:
    """A segment of these bytes: the log opens, gives no record that it never took, and takes new ones that are there afterwards."""
    for payload in (data, data[64:]):
        with suppress(msgspec.DecodeError, ValueError):
            decode_batch(payload)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "00000001.wal").write_bytes(data)
        before = _records(folder)
        assert all(payload in _PAYLOADS for _, payload in before), "a record that nobody wrote"
        _append(folder, [b"new"])
        after = _records(folder)
        assert after[:-1] == before and after[-1][1] == b"new"
        assert [seq for seq, _ in after] == sorted({seq for seq, _ in after})
        return f"{len(before)}"


def _append(folder: Path, payloads: list[bytes]) -> None:
    from sv.wal.log import Log
    from tests.unit.wal.wal_rig import QuickDisk, Told

    told = Told()
    log = Log.open(folder, deliver=told, segment_bytes=16 * 1024, spare_segments=0, disk=QuickDisk())
    list(log.replay(0))
    for payload in payloads:
        log.append(payload)
    told.wait_for(len(payloads))
    assert len(told.stored) == len(payloads)
    log.close()


def _records(folder: Path) -> list[tuple[int, bytes]]:
    from sv.wal.log import Log
    from tests.unit.wal.wal_rig import QuickDisk, Told

    log = Log.open(folder, deliver=Told(), segment_bytes=16 * 1024, spare_segments=0, disk=QuickDisk())
    found = [(frame.seq, frame.payload) for frame in log.replay(0)]
    log.close()
    return found


# ---- Small texts ----


def run_cursor(data: bytes) -> str:
    text = text_of(data)
    said: list[str] = []
    for is_uuid in (True, False):
        try:
            cursor = decode_cursor(text, is_uuid=is_uuid)
        except InvalidParameter:
            said.append("refused")
            continue
        assert encode_cursor(cursor) == text
        assert 0 <= cursor.ts <= MAX_TIMESTAMP_MS
        said.append("taken")
    try:
        assert 1 <= decode_numbered_cursor(text) < 2**62
    except InvalidParameter:
        said.append("no number")
    return " ".join(said)


def run_selector(data: bytes) -> str:
    wrong: SelectorFault | None = None
    try:
        selector = parse_selector(text_of(data))
    except SelectorFault as fault:
        wrong = fault
    if wrong is not None:
        assert 0 <= wrong.position <= len(text_of(data))
        return str(wrong).partition(" at ")[0][:20]
    assert parse_selector(selector.text) == selector
    assert all(len(path.combinators) == len(path.parts) - 1 for path in selector.paths)
    return f"{len(selector.paths)} {max(len(path.parts) for path in selector.paths)}"


def run_dates(data: bytes) -> str:
    """Lines: from, to, timezone, interval. A range that is taken is within all time, and its buckets cover it without a gap."""
    date_from, date_to, zone_name, interval_name = [*(text_of(data).split("\n")), "", "", "", ""][:4]
    fault = ValidationFailed.at
    try:
        zone = parse_timezone(zone_name, "timezone", fault)
    except ValidationFailed:
        zone = ZoneInfo("Australia/Lord_Howe")
    interval = Interval(interval_name) if interval_name in list(Interval) else Interval.DAY
    try:
        for ends in ((date_from, date_to), (date_from, None), (None, date_to or None)):
            parse_list_range(*ends, zone=zone, now_ms=NOW, fault=fault)
        span = parse_insight_range(date_from, date_to, zone=zone, now_ms=NOW, interval=interval, fault=fault)
        starts = [bucket.start_ms for bucket in buckets(span, interval, zone, fault)]
    except ValidationFailed as error:
        return error.details[0].field
    assert 0 <= span.from_ms < span.to_ms <= MAX_TIMESTAMP_MS + 1
    assert starts == sorted(set(starts)) and len(starts) <= BUCKETS_MAX
    assert starts[0] <= span.from_ms and starts[-1] < span.to_ms
    return interval.value


# ---- Bodies and parameters of queries ----


def run_queries(data: bytes) -> str:
    """Every reader of the query API takes the input or refuses it by a name."""
    from sv.model.funnel_persons_parsing import parse_funnel_persons_query
    from sv.model.person_parsing import parse_persons_query
    from sv.model.query_parsing import parse_events_query, parse_funnel_query, parse_trends_query
    from sv.model.saved_parsing import InsightKind, parse_insight, parse_insight_change, parse_preview, parse_smart_event
    from sv.model.session_parsing import parse_sessions_query

    asked: dict[str, Any] = {"timezone": "Europe/Berlin", "now_ms": NOW}
    pairs = parse_qsl(text_of(data), keep_blank_values=True, errors="replace")
    ways: list[Callable[[], object]] = [
        lambda: parse_events_query(pairs, **asked),
        lambda: parse_persons_query(pairs),
        lambda: parse_sessions_query(pairs, **asked),
    ]
    try:
        content = decode_json(text_of(data))
    except ValueError:
        pass
    else:
        ways += [
            lambda: parse_trends_query(content, **asked),
            lambda: parse_funnel_query(content, **asked),
            lambda: parse_funnel_persons_query(content, **asked),
            lambda: parse_smart_event(content),
            lambda: parse_preview(content, **asked, needs_rules=False),
            lambda: parse_insight(content, **asked),
            lambda: parse_insight_change(content, InsightKind.FUNNEL, **asked),
        ]
    said: list[str] = []
    for way in ways:
        try:
            way()
            said.append("+")
        except (ValidationFailed, InvalidParameter) as fault:
            msgspec.json.encode(fault.message)
            said.append("-")
    return "".join(said)


def run_headers(data: bytes) -> str:
    """Lines: User-Agent, an address, a country."""
    from sv.ingest.enrich import country
    from tests.engine.rig import AGENTS

    agent, address, named = [*data.split(b"\n"), b"", b"", b""][:3]
    found = AGENTS.lookup(agent.decode("utf-8", "replace"))
    assert found.browser is None or len(found.browser) <= 64
    country.Countries(None).of_request([(b"cf-ipcountry", named)], text_of(address))
    code = country.from_header(named)
    assert code is None or (len(code) == 2 and code.isalpha() and code.isupper())
    return f"{found.is_bot} {found.device_type} {code is None}"


# ---- What the engine makes of it ----


@contextmanager
def filters_target() -> Iterator[Run]:
    """Filters over stored events against their definition in Python. Patterns compile or are refused, and are compared with nobody."""
    from sv.model.filters import Operator, matches, parse_filters
    from tests.engine.rig import Rig, event, opened
    from tests.engine.test_engine_filters import answers, properties_of

    values: list[Any] = [
        None,
        True,
        0,
        -1,
        10,
        10.5,
        2**63,
        1e300,
        "",
        "a",
        "10",
        "true",
        "ü",
        "https://a.example/p?x#y",
        [1],
        {"a": 1},
        SECRET,
    ]
    names = ["plan", "$current_url", "$browser", "$.*", "/", "a/b", "a~1b", '"', "'", "\\", " ", "$is_bot"]
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as rig:
        assert isinstance(rig, Rig)
        rig.buffer(rig.batch([event("e", "u", NOW, **{name: value}) for name in names for value in values]))
        held = {row.id: properties_of(row) for row in rig.rows()}

        def run(data: bytes) -> str:
            try:
                items = parse_filters(decode_json(text_of(data)))
            except ValueError:
                return "no JSON"
            except ValidationFailed as fault:
                return fault.details[0].message[:24]
            for item in items:
                if item.operator in (Operator.REGEX, Operator.NOT_REGEX) and rig.engine.check_regex(str(item.value)) is not None:
                    return "no pattern"
            for row, found in answers(rig, list(items)).items():
                for item, answer in zip(items, found, strict=True):
                    assert isinstance(answer, bool)
                    if item.operator not in (Operator.REGEX, Operator.NOT_REGEX):
                        assert answer is matches(item, held[row]), (item, held[row].get(item.property))
            return " ".join(sorted({item.operator for item in items}))

        yield run


@contextmanager
def plain(run: Run) -> Iterator[Run]:
    yield run


TARGETS: Final[dict[str, Callable[[], Any]]] = {
    "body": lambda: plain(run_body),
    "log": lambda: plain(run_log),
    "cursor": lambda: plain(run_cursor),
    "filters": filters_target,
    "selector": lambda: plain(run_selector),
    "dates": lambda: plain(run_dates),
    "queries": lambda: plain(run_queries),
    "headers": lambda: plain(run_headers),
}


def seeds(target: str) -> list[bytes]:
    """Right inputs, to begin with."""
    made: dict[str, Callable[[], list[bytes]]] = {
        "body": _bodies,
        "log": lambda: [make_segment()],
        "cursor": lambda: [b"eyJ0cyI6MTczODMyNDgwMDEyMywiaWQiOiIwMTk0YmNiZi0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAifQ", b"eyJ0cyI6MCwiaWQiOiI3In0"],
        "filters": _filters,
        "selector": lambda: [b"nav > a.buy[href='/p'] #top, *[data-x]", rb"div.md\:flex > \31 st", b"a b c > d e"],
        "dates": lambda: [
            b"2025-01-31\n2025-03-01\nEurope/Berlin\nday",
            b"-7d\n-1d\nAmerica/New_York\nhour",
            b"2025-01-31T12:00:00.5+02:00\n2025-01-31T13:00Z\nAustralia/Lord_Howe\nhour",
            b"-24mo\n2026-01-01\nAsia/Kathmandu\nmonth",
            b"1970-01-01\n9999-12-31\nUTC\nmonth",
        ],
        "queries": _queries,
        "headers": lambda: [
            b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\n203.0.113.7\nDE",
            b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile/15E148 Safari/604.1\n2001:db8::1\nfr",
            b"Googlebot/2.1 (+http://www.google.com/bot.html)\n::ffff:1.2.3.4\nXX",
        ],
    }  # fmt: skip
    return made[target]()


def _bodies() -> list[bytes]:
    event = {
        "event": " view ",
        "timestamp": "2025-03-03T08:30:00+01:00",
        "anonymousId": "a",
        "userId": "u",
        "sessionId": "",
        "properties": {"n": 1.5, "deep": {"a": [1, None, True, {"b": "\ud83d\ude00"}]}, "big": 2**70},
        "groups": ["g"],
        "eventId": "0194bcbf-0000-4000-8000-000000000000",
    }
    whole = json.dumps({"projectToken": "sv_pub_dev", "events": [event, {"event": "x"}, event | {"timestamp": 1.5}, 7]}).encode()
    plain_one = b'{"projectToken":"t","events":[{"event":"e","userId":"u","timestamp":1700000000000,"properties":{"a":"\\u0000\\ud800"}}]}'
    return [b"0" + whole, b"1" + whole, b"2" + gzip.compress(whole, mtime=0), b"0" + plain_one, b"2" + gzip.compress(b"") * 3]


def _filters() -> list[bytes]:
    kinds = ["exact", "is_not", "icontains", "not_icontains", "regex", "not_regex", "gt", "gte", "lt", "lte"]
    many = [[{"property": "plan", "operator": kind, "value": "a"}] for kind in kinds]
    return [json.dumps(each).encode() for each in many] + [
        b'[{"property":"$current_url","operator":"exact","value":["/p","https://a.example/p?x#y",10,true]},{"property":"a/b","operator":"is_set"}]',
        b'[{"property":"a~1b","operator":"gte","value":10.5},{"property":"$.*","operator":"lt","value":9223372036854775808}]',
        b'[{"property":"\\"","operator":"is_not_set"},{"property":"\'","operator":"icontains","value":"S3C"}]',
    ]


def _queries() -> list[bytes]:
    step = {"event": "a", "filters": [{"property": "p", "operator": "gt", "value": 1}]}
    rule = {
        "event": "e",
        "url": "/x",
        "url_match": "contains",
        "selector": "a > b",
        "text": "t",
        "filters": [{"property": "p", "value": 1}],
    }
    trends = {
        "events": [{"name": "a", "math": "sum", "math_property": "n"}],
        "interval": "week",
        "breakdown": "$browser",
        "date_from": "-30d",
    }
    funnel = {
        "steps": [step, step],
        "conversion_window": "7d",
        "modes": ["strict_order"],
        "aggregate_by": "session",
        "timezone": "Asia/Tokyo",
    }
    bodies_of = [
        trends,
        funnel,
        funnel | {"step": 2, "outcome": "converted", "limit": 10},
        {"name": "n", "description": "d", "rules": [rule]},
        {"rules": [rule], "date_from": "-7d"},
        {"name": "n", "kind": "funnel", "query": funnel},
    ]
    return [json.dumps(each).encode() for each in bodies_of] + [
        b"event=a&limit=10&date_from=-7d&date_to=2025-01-01T00%3A00%3A00Z&filters=%5B%5D&properties=%7B%22a%22%3A1%7D",
        b"search=x&has_user_id=true&filters=%5B%7B%22property%22%3A%22a%22%7D%5D",
        b"entry_url=/a&min_duration=1.5e1&is_bounce=false&distinct_id=u&cursor=eyJ0cyI6MCwiaWQiOiI3In0",
    ]
