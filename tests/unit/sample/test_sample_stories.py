"""Every claim of docs/sample-shop.md, checked by counting in plain Python.

The requests of the page are read off the page, answered here over the generated events by an evaluator that
knows just as much of the query API as they need, and compared with the answers that the page shows. Then
the stories are looked for with other seeds and at other times, with room to spare.
"""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest

from sv.sample.shop import shop_events
from sv.sample.wire import WireEvent

PAGE = Path(__file__).parents[3] / "docs" / "sample-shop.md"
BLOCK = re.compile(r"`POST …/insights/(funnel|trends)`\n+```json\n(.*?)\n```\n+```text\n(.*?)\n```", re.DOTALL)
DAY_MS = 86_400_000
WINDOW_MS = {"m": 60_000, "h": 3_600_000, "d": DAY_MS}


def instant(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


PAGE_NOW = instant(2026, 6, 1, 12)
"""The instant for which the page gives its numbers, a Monday noon, with the default seed."""
MOMENTS = (PAGE_NOW, instant(2024, 2, 29, 23, 59), instant(2027, 1, 2))
ELSEWHERE = [(1, MOMENTS[0]), (2, MOMENTS[1]), (3, MOMENTS[2]), (7, MOMENTS[1]), (2026, MOMENTS[2])]
everywhere = pytest.mark.parametrize(("seed", "now"), ELSEWHERE)


@lru_cache(maxsize=16)
def sample(seed: int, now: int) -> tuple[WireEvent, ...]:
    return tuple(shop_events(now, seed))


# ---- the evaluator: relative days, `exact` and `icontains`, default-mode funnels, daily and weekly trends
# ----


def matches(event: WireEvent, query: dict) -> bool:
    wanted = [{"property": key, "value": value} for key, value in query.get("properties", {}).items()]
    for condition in wanted + query.get("filters", []):
        value = event.properties.get(condition["property"])
        expected = condition["value"]
        if condition["property"] == "$current_url" and expected.startswith("/"):
            value = urlsplit(str(value)).path.rstrip("/")
        if condition.get("operator", "exact") == "icontains":
            if not isinstance(value, str) or expected.lower() not in value.lower():
                return False
        elif value != expected:
            return False
    return True


def in_range(events: Iterable[WireEvent], now: int, request: dict) -> list[WireEvent]:
    today = now - now % DAY_MS
    first, last = (int(request.get(key, "-0d")[1:-1]) for key in ("date_from", "date_to"))
    from_ms, to_ms = today - first * DAY_MS, today - (last - 1) * DAY_MS
    return [event for event in events if from_ms <= event.timestamp < to_ms and matches(event, request)]


def funnel(events: Iterable[WireEvent], now: int, request: dict) -> dict[str, list[int]]:
    """Counts of each step by breakdown value; "" without a breakdown. The greatest k with t1 <= … <= tk <=
    t1 + window."""
    window = request.get("conversion_window", "7d")
    window_ms = int(window[:-1]) * WINDOW_MS[window[-1]]
    steps, breakdown = request["steps"], request.get("breakdown")
    by_session = request.get("aggregate_by") == "session"
    times: dict[str, list[list[int]]] = defaultdict(lambda: [[] for _ in steps])
    values: dict[str, str] = {}
    for event in in_range(events, now, request):
        who = event.session_id if by_session else event.distinct_id
        for index, step in enumerate(steps):
            if event.event == step["event"] and matches(event, step):
                times[who][index].append(event.timestamp)
                if index == 0:
                    values.setdefault(who, str(event.properties.get(breakdown)) if breakdown else "")
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(steps))
    for who, value in values.items():
        for index in range(max(level(start, times[who], window_ms) for start in times[who][0])):
            counts[value][index] += 1
    return dict(counts)


def level(start: int, times: list[list[int]], window_ms: int) -> int:
    """How many steps a chain that begins at `start` makes, taking each step as early as it can be taken."""
    at = start
    for reached, later in enumerate(times[1:], start=1):
        following = [instant for instant in later if at <= instant <= start + window_ms]
        if not following:
            return reached
        at = following[0]
    return len(times)


def trends(events: Iterable[WireEvent], now: int, request: dict) -> dict[tuple[str, str], dict[int, float]]:
    """By (event and math, breakdown value) and then by bucket start."""
    today = now - now % DAY_MS
    days = range(-int(request["date_from"][1:-1]), -int(request.get("date_to", "-0d")[1:-1]) + 1)
    starts = [today + day * DAY_MS for day in days]
    if request.get("interval", "day") == "week":
        starts = sorted({start - (start // DAY_MS + 3) % 7 * DAY_MS for start in starts})
    kept = in_range(events, now, request)
    answer: dict[tuple[str, str], dict[int, float]] = {}
    for series in request["events"]:
        math, breakdown = series.get("math", "total"), request.get("breakdown")
        found: dict[str, dict[int, list]] = defaultdict(lambda: defaultdict(list))
        for event in kept:
            if event.event == series["name"] and matches(event, series):
                value = str(event.properties.get(breakdown)) if breakdown else ""
                start = starts[bisect_right(starts, event.timestamp) - 1]
                found[value][start].append(measured(event, math, series.get("math_property")))
        for value, buckets in sorted(found.items()):
            answer[f"{series['name']} {math}", value] = {
                start: summed(math, buckets[start]) if buckets[start] else 0 for start in starts
            }
    return answer


def measured(event: WireEvent, math: str, math_property: str | None) -> object:
    if math_property is not None:
        return event.properties[math_property]
    return event.session_id if math == "unique_sessions" else event.distinct_id


def summed(math: str, values: list) -> float:
    summaries: dict[str, Callable[[list], float]] = {
        "total": len,
        "sum": sum,
        "median": median,
        "unique_persons": lambda ids: len(set(ids)),
        "unique_sessions": lambda ids: len(set(ids)),
    }
    return round(summaries[math](values), 2)


def shown(kind: str, request: dict, events: Iterable[WireEvent], now: int) -> str:
    """The answer as the page writes it: a line a breakdown value, or a line a bucket."""
    if kind == "funnel":
        lines = []
        for value, counts in sorted(funnel(events, now, request).items()):
            rate = f"{100 * counts[-1] / counts[0]:.1f} %"
            lines.append((value + ": " if value else "") + " > ".join(map(str, counts)) + f"  {rate}")
        return "\n".join(lines)
    answer = trends(events, now, request)
    labels = [f"{name} {value}".strip() for name, value in answer]
    lines = ["            " + " | ".join(labels)]
    for start in next(iter(answer.values())):
        day = datetime.fromtimestamp(start / 1000, UTC).date().isoformat()
        lines.append(
            f"{day}  "
            + " | ".join(f"{buckets[start]:g}".rjust(len(label)) for label, buckets in zip(labels, answer.values(), strict=True))
        )
    return "\n".join(lines)


# ---- the page ----


def test_the_page_shows_a_request_for_each_story() -> None:
    assert len(BLOCK.findall(PAGE.read_text(encoding="utf-8"))) >= 9


@pytest.mark.parametrize(("kind", "request_text", "answer"), BLOCK.findall(PAGE.read_text(encoding="utf-8")))
def test_an_answer_on_the_page_is_what_plain_counting_gives(kind: str, request_text: str, answer: str) -> None:
    assert shown(kind, json.loads(request_text), sample(7, PAGE_NOW), PAGE_NOW) == answer


# ---- the stories, elsewhere ----

SHOP_STEPS = [{"event": "product_viewed"}, {"event": "checkout_started"}, {"event": "purchase_completed"}]


def converted(counts: list[int]) -> float:
    return counts[-1] / counts[0]


@everywhere
def test_for_three_days_nobody_can_buy_on_a_phone(seed: int, now: int) -> None:
    request = {"steps": SHOP_STEPS[1:], "breakdown": "$device_type"}
    events = sample(seed, now)
    broken = funnel(events, now, request | {"date_from": "-12d", "date_to": "-10d"})
    before = funnel(events, now, request | {"date_from": "-31d", "date_to": "-13d"})
    after = funnel(events, now, request | {"date_from": "-9d"})
    assert broken["Mobile"][0] >= 5
    # Some member goes on to a second device; on the phone itself nobody can buy.
    assert converted(broken["Mobile"]) < 0.2
    on_phones = [{"property": "$device_type", "value": "Mobile"}]
    request = {"events": [{"name": "purchase_completed"}], "filters": on_phones, "date_from": "-20d"}
    (bought,) = trends(events, now, request).values()
    today = now - now % DAY_MS
    assert {bought[today - days * DAY_MS] for days in (12, 11, 10)} == {0}
    assert sum(bought.values()) > 15
    assert converted(broken["Desktop"]) > 0.3
    assert converted(before["Mobile"]) > 0.45
    assert converted(after["Mobile"]) > 0.45


@everywhere
def test_on_broken_phones_people_press_again(seed: int, now: int) -> None:
    request = {"events": [{"name": "checkout_started"}, {"name": "checkout_started", "math": "unique_sessions"}]}
    phones = [{"property": "$device_type", "value": "Mobile"}]
    for first, last, least, most in (("-12d", "-10d", 1.1, 3.0), ("-31d", "-13d", 1.0, 1.0)):
        asked = request | {"filters": phones, "date_from": first, "date_to": last}
        presses, visits = (sum(buckets.values()) for buckets in trends(sample(seed, now), now, asked).values())
        assert least <= presses / visits <= most


@everywhere
def test_the_newsletter_fills_a_day_and_sells_little(seed: int, now: int) -> None:
    request = {
        "events": [{"name": "$pageview", "math": "unique_sessions"}],
        "date_from": "-24d",
        "date_to": "-14d",
    }
    (days,) = trends(sample(seed, now), now, request).values()
    today = now - now % DAY_MS
    spike = days.pop(today - 20 * DAY_MS)
    assert spike > 1.8 * max(days.values())
    letter = {"property": "$current_url", "operator": "icontains", "value": "utm_campaign=kitchen-day"}
    by_session = {"aggregate_by": "session", "date_from": "-21d", "date_to": "-13d"}
    from_letter = {"steps": [{"event": "$pageview", "filters": [letter]}, *SHOP_STEPS]} | by_session
    came = funnel(sample(seed, now), now, from_letter)
    usual = funnel(sample(seed, now), now, {"steps": [{"event": "$pageview"}, *SHOP_STEPS]} | by_session)
    assert 145 <= came[""][0] <= 150
    assert converted(came[""]) < 0.7 * converted(usual[""])


@everywhere
def test_for_two_days_every_card_fails_and_paypal_does_not(seed: int, now: int) -> None:
    dates = {"date_from": "-40d", "date_to": "-28d"}
    failed = {"events": [{"name": "payment_failed"}], "breakdown": "reason"} | dates
    timeouts = trends(sample(seed, now), now, failed)["payment_failed total", "provider_timeout"]
    bought = trends(
        sample(seed, now),
        now,
        {"events": [{"name": "purchase_completed"}], "breakdown": "payment_method"} | dates,
    )
    today = now - now % DAY_MS
    for start, count in timeouts.items():
        is_down = today - 34 * DAY_MS <= start < today - 32 * DAY_MS
        if is_down:
            assert bought["purchase_completed total", "card"][start] == 0
        else:
            assert count == 0
    assert sum(timeouts.values()) >= 6
    assert sum(bought["purchase_completed total", "card"].values()) > 20
    assert sum(bought["purchase_completed total", "paypal"].values()) > 10


@everywhere
def test_a_mistyped_price_sells_many_for_little(seed: int, now: int) -> None:
    series = [
        {"name": "purchase_completed"},
        {"name": "purchase_completed", "math": "median", "math_property": "revenue"},
    ]
    orders, medians = trends(sample(seed, now), now, {"events": series, "date_from": "-52d", "date_to": "-42d"}).values()
    day = now - now % DAY_MS - 47 * DAY_MS
    sold, paid = orders.pop(day), medians.pop(day)
    assert sold > 1.7 * max(orders.values())
    assert paid < 0.6 * median(value for value in medians.values() if value)
    kettle = [{"property": "product_id", "value": "P-112"}]
    request = {"events": [{"name": "product_viewed"}], "filters": kettle, "breakdown": "price"}
    prices = trends(sample(seed, now), now, request | {"date_from": "-60d"})
    by_price = {price: {start for start, count in buckets.items() if count} for (_, price), buckets in prices.items()}
    assert by_price.keys() == {"8.9", "89.0"}
    assert by_price["8.9"] == {day}
    assert day not in by_price["89.0"]


@everywhere
def test_the_new_coffee_page_takes_more_people_to_a_product(seed: int, now: int) -> None:
    steps = [{"event": "$pageview", "properties": {"$current_url": "/coffee"}}, {"event": "product_viewed"}]
    request = {"steps": steps, "conversion_window": "1h"}
    events = sample(seed, now)
    by_version = funnel(events, now, request | {"breakdown": "page_version", "date_from": "-60d"})
    assert by_version.keys() == {"classic", "guide"}
    assert converted(by_version["guide"]) > converted(by_version["classic"]) + 0.15
    (before,) = funnel(events, now, request | {"date_from": "-60d", "date_to": "-36d"}).values()
    (after,) = funnel(events, now, request | {"date_from": "-14d"}).values()
    assert converted(after) > converted(before) + 0.12
    views = {"name": "$pageview", "math": "total"}
    rollout = trends(events, now, {"events": [views], "breakdown": "page_version", "interval": "week", "date_from": "-60d"})
    weeks = zip(*(rollout["$pageview total", version].values() for version in ("guide", "classic")), strict=True)
    shares = [new / (new + old) for new, old in weeks if new + old]
    assert shares[:3] == [0, 0, 0]
    assert shares[-1] == 1
    assert any(0.2 < share < 0.8 for share in shares)


@everywhere
def test_a_sign_up_divides_a_person_but_not_a_session(seed: int, now: int) -> None:
    request = {"steps": [{"event": "product_viewed"}, {"event": "signed_up"}], "date_from": "-60d"}
    (persons,) = funnel(sample(seed, now), now, request).values()
    (visits,) = funnel(sample(seed, now), now, request | {"aggregate_by": "session"}).values()
    assert persons[1] == 0
    assert visits[1] > 120
