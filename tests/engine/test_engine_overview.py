"""An overview through the whole insight, against a slow one made of the rows at rest, and where one can be worked out by hand."""

import random
from pathlib import Path
from typing import Any

import pytest

from sv.insights.overview import overview
from sv.insights.runner import Context
from sv.model.limits import DAY_MS, HOUR_MS, MINUTE_MS
from sv.model.overview_parsing import parse_overview_query
from tests.engine.identity_rig import merged_rig
from tests.engine.overview_reference import slow_overview
from tests.engine.reference import rows_of
from tests.engine.rig import NOON, STATES, Event, State, event, events, opened

URLS = [
    "https://a.example/",
    "https://a.example/p/?utm_source=news",
    "https://www.a.example/q?utm_medium=mail",
    "https://a.example/p//",
    "https://a.example//",
    "about:blank",
    "",
    7,
    None,
]
REFERRERS = ["https://a.example/x", "https://other.example/y", "https://www.other.example/", None, ""]
FILTERS: list[dict[str, Any]] = [
    {},
    {"properties": {"$browser": "Firefox"}},
    {"filters": [{"property": "$current_url", "value": "/p"}]},
    {"filters": [{"property": "$entry_page", "value": "/"}, {"property": "plan", "operator": "is_not", "value": 1}]},
    {"filters": [{"property": "$referring_domain", "operator": "is_not_set"}]},
    {"filters": [{"property": "$referring_domain", "operator": "is_set"}, {"property": "$country", "operator": "is_not_set"}]},
    {"filters": [{"property": "$current_url", "operator": "is_not_set"}]},
    {"filters": [{"property": "$entry_page", "operator": "is_not_set"}, {"property": "$browser", "operator": "is_set"}]},
    {
        "filters": [
            {"property": "$exit_page", "operator": "is_set"},
            {"property": "$country", "operator": "is_not", "value": "DE"},
        ]
    },
]
RANGES: list[dict[str, Any]] = [
    {"date_from": "2025-06-16", "date_to": "2025-06-17"},
    {"date_from": "2025-06-16", "date_to": "2025-06-16", "timezone": "Asia/Kathmandu"},
    {"date_from": "2025-06-15T20:10:00Z", "date_to": "2025-06-16T21:00:00Z"},
    {"date_from": "2025-06-01", "date_to": "2025-06-30", "interval": "week", "timezone": "America/New_York", "compare": False},
]


def random_events(seed: int, count: int, users: int = 0) -> list[Event]:
    """Within two days, sessions of clients and derived ones, some of bots, in no order. Some of them are of users known by name."""
    rng = random.Random(seed)
    made: list[Event] = []
    for _ in range(count):
        held: dict[str, Any] = {"$is_bot": True} if rng.random() < 0.1 else {}
        for name, values in {
            "$current_url": URLS,
            "$referrer": REFERRERS,
            "$country": ["DE", "FR", 5, None],
            "$referring_domain": ["a.example", "www.other.example", ["x"], None, None, None, None],
            "plan": [1, 2],
        }.items():
            value = rng.choice(values)
            if value is not None:
                held[name] = value
        if rng.random() < 0.5:
            held["$browser"] = rng.choice(["Firefox", "Chrome"])
        name = rng.choice(["$pageview", "$pageview", "$pageleave", "$identify", "buy"])
        at_ms = NOON + rng.randrange(2 * DAY_MS) // MINUTE_MS * MINUTE_MS
        one = event(name, f"p{rng.randrange(6)}", at_ms, session=rng.choice([None, None, *(f"s{n}" for n in range(12))]), **held)
        if users and rng.random() < 0.1:
            one["userId"] = f"u{rng.randrange(users)}"
        made.append(one)
    return made


def asked(context: Context, body: dict[str, Any], now_ms: int = NOON) -> dict[str, Any]:
    return overview(context, parse_overview_query(body, timezone="UTC", now_ms=now_ms), now_ms)


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    """What the reference says too."""
    before = answer["previous"]
    held = {name: answer[name] for name in ("totals", "series", "live_visitors", "tables")}
    return {**held, "previous": before and {name: before[name] for name in ("totals", "series")}}


def combinations(seed: int, count: int) -> list[dict[str, Any]]:
    """Bodies of one range and one set of filters each, in the course of which every one occurs."""
    bodies = [
        {
            **RANGES[(place + seed) % len(RANGES)],
            **FILTERS[place % len(FILTERS)],
            "include_bots": place % 5 == 4,
            "breakdown_limit": 100,
        }
        for place in range(count)
    ]
    assert len(RANGES) <= len(FILTERS) <= count
    return bodies


@pytest.mark.parametrize("state", STATES)
def test_an_overview_is_what_loops_over_all_events_say(tmp_path: Path, state: State) -> None:
    seed = STATES.index(state)
    with opened(tmp_path) as rig:
        rig.place_events(random_events(seed, 300), state)
        rows = rows_of(rig)
        for body in combinations(seed, 12)[seed % 3 :: 3]:
            now_ms = NOON + DAY_MS
            assert shown(asked(rig.context(), body, now_ms)) == slow_overview(rows, body, now_ms), body


@pytest.mark.parametrize("state", ["buffer", "mixed"])
def test_visitors_are_users_where_identity_is_merged_and_sessions_stay_those_of_ids(tmp_path: Path, state: State) -> None:
    with merged_rig(tmp_path) as rig:
        rig.place_events(random_events(7, 250, users=3), state)
        owners = {row.id: row.distinct_id for row in rig.rows()}
        rows = rows_of(rig)
        assert len(set(owners.values())) < len({row.person for row in rows})
        for body in combinations(1, len(FILTERS))[state == "mixed" :: 2]:
            found = shown(asked(rig.context(), body, NOON + DAY_MS))
            assert found == slow_overview(rows, body, NOON + DAY_MS, lambda row: owners[row.id]), body


def test_a_series_counts_a_visitor_in_each_bucket_and_a_session_in_that_of_its_first_event(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events(events("ann: $pageview#s@11h, $pageview#s@13h; bob: buy@14h, $pageview#t@26h"), "mixed", batches=4)
        body = {"date_from": "2025-06-15", "date_to": "2025-06-16", "interval": "day", "breakdowns": [], "compare": False}
        found = asked(rig.context(), body)
        assert found["series"] == {
            "visitors": [1, 2], "sessions": [1, 2], "pageviews": [1, 2], "bounce_rate": [0.0, 0.5], "duration_seconds": [7200.0, 0.0],
        }  # fmt: skip
        assert found["totals"]["visitors"] == 2
        assert found["tables"] == {}


def test_the_period_before_is_what_asking_for_it_says(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events(random_events(11, 300), "days")
        both = asked(rig.context(), {"date_from": "2025-06-17", "date_to": "2025-06-17", "interval": "hour"})
        alone = asked(rig.context(), {"date_from": "2025-06-16", "date_to": "2025-06-16", "interval": "hour", "compare": False})
        assert both["previous"] == {name: alone[name] for name in ("date_from", "date_to", "labels", "totals", "series")}
        assert alone["totals"]["sessions"] > 0
        assert alone["previous"] is None


def test_a_late_event_moves_where_its_session_was_entered(tmp_path: Path) -> None:
    def entries() -> list[tuple[Any, int]]:
        found = asked(rig.context(), {"date_from": "2025-06-15", "breakdowns": ["entry_pages", "referrers"]})
        return [(row["value"], row["sessions"]) for table in ("entry_pages", "referrers") for row in found["tables"][table]]

    first = event("$pageview", "ann", NOON, **{"$current_url": "https://a.example/in", "$referrer": "https://news.example/"})
    with opened(tmp_path) as rig:
        rig.flush(
            rig.buffer(rig.batch([event("$pageview", "ann", NOON + 50 * MINUTE_MS, **{"$current_url": "https://a.example/b"})]))
        )
        rig.flush(rig.buffer(rig.batch([event("buy", "ann", NOON + 25 * MINUTE_MS)])))
        assert entries() == [("/b", 1), (None, 1)]
        rig.buffer(rig.batch([first]))
        assert entries() == [("/in", 1), ("news.example", 1)]


def test_an_event_of_midnight_is_in_the_day_that_the_timezone_says(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("$pageview", "ann", NOON + 10 * HOUR_MS)], "buffer")  # 22:00 UTC is midnight in Berlin
        body = {"date_from": "2025-06-15", "date_to": "2025-06-16", "interval": "day", "breakdowns": []}
        assert asked(rig.context(), body)["series"]["visitors"] == [1, 0]
        assert asked(rig.context(), {**body, "timezone": "Europe/Berlin"})["series"]["visitors"] == [0, 1]


def test_live_visitors_are_those_of_the_last_five_minutes_whatever_is_asked_for(tmp_path: Path) -> None:
    now_ms = NOON + HOUR_MS
    acts = [
        event("buy", person, now_ms - ago) for person, ago in {"ann": 0, "bob": 5 * MINUTE_MS, "cem": 5 * MINUTE_MS + 1}.items()
    ]
    acts.append(event("buy", "bot", now_ms, **{"$is_bot": True}))
    with opened(tmp_path) as rig:
        rig.place_events(acts, "mixed", batches=4)
        body = {"date_from": "2020-01-01", "date_to": "2020-01-02", "properties": {"plan": "none"}, "compare": False}
        found = asked(rig.context(), body, now_ms)
        assert (found["live_visitors"], found["totals"]["visitors"]) == (2, 0)
        assert asked(rig.context(), {**body, "include_bots": True}, now_ms)["live_visitors"] == 3
        assert asked(rig.context(), body, now_ms + DAY_MS)["live_visitors"] == 0


def test_every_row_of_a_table_made_a_filter_gives_the_rows_own_figures(tmp_path: Path) -> None:
    properties = {
        "pages": "$current_url", "entry_pages": "$entry_page", "exit_pages": "$exit_page", "referrers": "$referring_domain", "utm_source": "utm_source",
        "utm_medium": "utm_medium", "countries": "$country", "browsers": "$browser", "os": "$os", "devices": "$device_type",
    }  # fmt: skip
    body = {"date_from": "2025-06-15", "date_to": "2025-06-18", "compare": False}
    with opened(tmp_path) as rig:
        rig.place_events(random_events(23, 200), "days")
        tables = asked(rig.context(), body)["tables"]
        for table, name in properties.items():
            for row in tables[table]:
                value = row["value"]
                by = {"property": name} | ({"operator": "is_not_set"} if value is None else {"value": value})
                found = asked(rig.context(), {**body, "filters": [by], "breakdowns": [table]})
                assert found["tables"][table] == [row], by
                assert found["totals"].items() >= {k: v for k, v in row.items() if k in ("sessions", "pageviews")}.items()
