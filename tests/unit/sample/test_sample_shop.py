"""The sample shop's promises: its sizes, its order, its bounds, and that ingest would take every event of
it."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from statistics import mean, median
from urllib.parse import quote, urlsplit

import msgspec
import pytest

from sv.model import limits
from sv.sample.catalogue import SEARCHES
from sv.sample.rhythm import SPAN_MS
from sv.sample.shop import EVENT_COUNT, PERSON_COUNT, shop_events
from sv.sample.wire import WireEvent

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
WEEK_MS = 7 * limits.DAY_MS
MOMENTS = [
    (7, NOON),
    (0, NOON - 12 * limits.HOUR_MS),
    (-3, SPAN_MS),
    (2**80, limits.MAX_TIMESTAMP_MS),
]
at_moments = pytest.mark.parametrize(("seed", "now"), MOMENTS)


@lru_cache(maxsize=8)
def sample(seed: int = 7, now: int = NOON) -> tuple[WireEvent, ...]:
    return tuple(shop_events(now, seed))


def sessions(events: tuple[WireEvent, ...]) -> list[list[WireEvent]]:
    found: dict[str, list[WireEvent]] = defaultdict(list)
    for event in events:
        found[event.session_id].append(event)
    return list(found.values())


# ---- sizes, order, bounds, determinism ----


@at_moments
def test_there_are_exactly_30000_events_of_exactly_2000_persons(seed: int, now: int) -> None:
    events = sample(seed, now)
    assert len(events) == EVENT_COUNT == 30_000
    assert len({event.distinct_id for event in events}) == PERSON_COUNT == 2_000


@at_moments
def test_events_ascend_within_the_sixty_days_up_to_this_very_minute(seed: int, now: int) -> None:
    times = [event.timestamp for event in sample(seed, now)]
    assert times == sorted(times)
    assert times[0] >= now - 60 * limits.DAY_MS
    assert times[0] < now - 59 * limits.DAY_MS
    assert now - 30_000 <= times[-1] <= now


@at_moments
def test_no_two_events_of_a_session_share_an_instant(seed: int, now: int) -> None:
    events = sample(seed, now)
    assert len({(event.session_id, event.timestamp) for event in events}) == len(events)


def test_the_same_clock_and_seed_give_the_same_bytes() -> None:
    assert msgspec.json.encode(shop_events(NOON)) == msgspec.json.encode(shop_events(NOON, 7))


def test_another_seed_gives_another_shop() -> None:
    assert not {event.session_id for event in sample(7)} & {event.session_id for event in sample(8)}


def test_whole_weeks_later_the_same_things_happen_whole_weeks_later() -> None:
    later = shop_events(NOON + 5 * WEEK_MS)
    moved = [msgspec.structs.replace(event, timestamp=event.timestamp + 5 * WEEK_MS) for event in sample()]
    assert later == moved


@pytest.mark.parametrize("now", [-1, 0, SPAN_MS - 1, limits.MAX_TIMESTAMP_MS + 1])
def test_a_clock_off_the_calendar_is_refused_by_name(now: int) -> None:
    with pytest.raises(ValueError, match=r"expected \d+ to \d+, got -?\d+ \(now_ms\)"):
        shop_events(now)


def test_making_the_sample_imports_nothing_heavy() -> None:
    heavy = {"duckdb", "pyarrow", "numpy", "litestar", "apsw", "rich", "argon2", "ua_parser"}
    code = f"import sys, sv.sample.shop; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# ---- what ingest asks of an event ----


class Accepted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An ingest event as strictly as it can be read: absent rather than null, and nothing else beside it."""

    event: str
    timestamp: int
    anonymous_id: str
    session_id: str
    properties: dict[str, str | int | float | list[dict[str, str | int | float]]]
    user_id: str | msgspec.UnsetType = msgspec.UNSET
    groups: list[str] | msgspec.UnsetType = msgspec.UNSET


def test_every_event_is_one_that_ingest_takes() -> None:
    wire = msgspec.json.encode(sample())
    for event in msgspec.json.decode(wire, type=list[Accepted]):
        assert 1 <= len(event.event.strip()) == len(event.event) <= limits.MAX_EVENT_NAME_CHARS
        identifiers = [event.anonymous_id, event.session_id, event.user_id or "absent"]
        assert all(1 <= len(identifier) <= limits.MAX_ID_CHARS for identifier in identifiers)
        assert len(msgspec.json.encode(event.properties)) <= limits.MAX_PROPERTIES_BYTES
        groups = [] if event.groups is msgspec.UNSET else event.groups
        assert all(1 <= len(group) <= limits.MAX_GROUP_CHARS for group in groups)
    assert json.loads(wire)[0].keys() >= {"event", "timestamp", "anonymousId", "sessionId", "properties"}


def test_every_event_says_its_device_and_country_itself() -> None:
    for event in sample():
        assert event.properties["$device_type"] in {"Desktop", "Mobile", "Tablet"}
        country = event.properties["$country"]
        assert isinstance(country, str)
        assert len(country) == 2
        assert country.isupper()
        assert {"$browser", "$browser_version", "$os"} <= event.properties.keys()


def test_urls_are_as_a_browser_sends_them() -> None:
    for event in sample():
        if event.event != "$identify":
            url = str(event.properties["$current_url"])
            assert url.isascii()
            assert " " not in url
            assert urlsplit(url)[:2] == ("https", "shop.example")
    assert all(encoded == quote(query) for query, encoded, _ in SEARCHES)


def test_there_is_text_outside_ascii_in_titles_names_products_searches_and_groups() -> None:
    events = sample()
    for name in ("$title", "name", "product", "query"):
        texts = {str(event.properties[name]) for event in events if name in event.properties}
        assert any(not text.isascii() for text in texts), name
    assert any(not group.isascii() for event in events for group in event.groups or ())


def test_prices_and_revenues_are_numbers_that_add_up() -> None:
    purchases = [event.properties for event in sample() if event.event == "purchase_completed"]
    for purchase in purchases:
        items = purchase["items"]
        assert isinstance(items, list)
        value = sum(item["price"] * item["quantity"] for item in items)
        assert purchase["revenue"] == pytest.approx(value + purchase["shipping"])
        assert purchase["currency"] == "EUR"
    numbers = [str(purchase["order_id"]) for purchase in purchases]
    assert numbers == sorted(set(numbers))


# ---- who is who ----


@at_moments
def test_of_the_persons_500_are_identified_and_1500_are_not(seed: int, now: int) -> None:
    events = sample(seed, now)
    assert len({event.user_id for event in events if event.user_id}) == 500
    assert len({event.anonymous_id for event in events if not event.user_id}) == 1_500


@at_moments
def test_identity_is_forward_only(seed: int, now: int) -> None:
    events = sample(seed, now)
    user_of: dict[str, str | None] = {}
    for event in events:
        known = user_of.get(event.anonymous_id)
        assert known is None or event.user_id == known, "an anonymous event after its browser was identified"
        user_of[event.anonymous_id] = event.user_id
    joined = {event.user_id for event in events if event.event == "signed_up"}
    anonymous = {event.anonymous_id for event in events if event.user_id is None}
    before = {event.user_id for event in events if event.user_id and event.anonymous_id in anonymous}
    assert before == joined
    assert len(joined) == 260


def test_each_identified_person_is_identified_once_with_traits_of_their_own() -> None:
    identified = [event for event in sample() if event.event == "$identify"]
    assert Counter(event.user_id for event in identified).most_common(1)[0][1] == 1
    assert len(identified) == 500
    traits = [event.properties for event in identified]
    assert len({trait["email"] for trait in traits}) == 500
    assert all(str(trait["email"]).endswith("@example.com") and str(trait["email"]).isascii() for trait in traits)
    assert {trait["plan"] for trait in traits} == {"basic", "plus", "business"}
    assert all(trait["name"] for trait in traits)


def test_groups_come_with_identified_persons_of_the_business_plan_only() -> None:
    plan = {event.user_id: event.properties["plan"] for event in sample() if event.event == "$identify"}
    for event in sample():
        assert (event.groups is not None) == (event.user_id is not None and plan[event.user_id] == "business")


# ---- sessions ----


@at_moments
def test_sessions_are_what_the_server_would_derive_itself(seed: int, now: int) -> None:
    for session in sessions(sample(seed, now)):
        assert all(b.timestamp - a.timestamp <= 30 * 60_000 for a, b in pairwise(session))
        assert len({event.anonymous_id for event in session}) == 1
    latest: dict[str, tuple[str, int]] = {}
    for event in sample(seed, now):
        session_id, seen = latest.get(event.user_id or event.anonymous_id, (event.session_id, 0))
        assert session_id == event.session_id or event.timestamp - seen > 30 * 60_000
        latest[event.user_id or event.anonymous_id] = (event.session_id, event.timestamp)


def test_a_session_is_a_walk_from_page_to_page() -> None:
    for session in sessions(sample()):
        assert session[0].event == "$pageview"
        pages = [event.properties for event in session if event.event == "$pageview"]
        for before, after in pairwise(pages):
            assert after["$referrer"] == before["$current_url"]
        assert not str(pages[0].get("$referrer", "")).startswith("https://shop.example")
        url = ""
        for event in session:
            url = str(event.properties.get("$current_url", url)) if event.event == "$pageview" else url
            assert event.properties.get("$current_url", url) == url
        assert "$pageleave" not in [event.event for event in session[:-1]]


def test_nobody_buys_what_they_did_not_see() -> None:
    for session in sessions(sample()):
        viewed: set[object] = set()
        carted: set[object] = set()
        done: set[str] = set()
        for event in session:
            if event.event == "product_viewed":
                viewed.add(event.properties["product_id"])
            elif event.event == "added_to_cart":
                assert event.properties["product_id"] in viewed
                carted.add(event.properties["product_id"])
            elif event.event == "purchase_completed":
                assert "checkout_started" in done
                items = event.properties["items"]
                assert isinstance(items, list)
                assert {item["product_id"] for item in items} == carted
            done.add(event.event)


# ---- the figures that were taken from real shops and logs, as the package's docstring has them ----


@at_moments
def test_the_shape_is_that_of_the_data_it_was_measured_on(seed: int, now: int) -> None:
    events = sample(seed, now)
    visits = sessions(events)

    def share(name: str) -> float:
        return sum(any(event.event == name for event in visit) for visit in visits) / len(visits)

    assert share("product_viewed") == pytest.approx(0.72, abs=0.08)
    assert share("added_to_cart") == pytest.approx(0.34, abs=0.05)
    assert share("checkout_started") == pytest.approx(0.22, abs=0.03)
    assert share("purchase_completed") == pytest.approx(0.13, abs=0.02)
    assert mean(map(len, visits)) == pytest.approx(8.6, abs=0.9)
    gaps = [
        after.timestamp - before.timestamp
        for visit in visits
        for before, after in pairwise(event for event in visit if event.event == "$pageview")
    ]
    assert median(gaps) / 1_000 == pytest.approx(80, abs=12)
    devices = Counter(visit[0].properties["$device_type"] for visit in visits)
    assert devices["Desktop"] / len(visits) == pytest.approx(0.52, abs=0.06)
    assert devices["Mobile"] / len(visits) == pytest.approx(0.36, abs=0.06)
    by_person = sorted(Counter(event.distinct_id for event in events).values(), reverse=True)
    assert 0.33 < sum(by_person[:200]) / EVENT_COUNT < 0.46
    hours = Counter(visit[0].timestamp // limits.HOUR_MS % 24 for visit in visits)
    night, day = sum(hours[hour] for hour in range(5)), sum(hours[hour] for hour in range(11, 16))
    assert 0 < night < day / 2
