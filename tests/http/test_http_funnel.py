"""Funnels, as anybody can work them out by hand. That they equal ClickHouse's is shown elsewhere; here it is the wire's turn."""

from typing import Any

import pytest
from http_rig import DAY, HOUR, MINUTE, NOON, SECOND, Api, event, iso, story

JUNE = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
STEPS = [{"event": "view"}, {"event": "cart"}, {"event": "buy"}]


def counts(api: Api, **body: Any) -> list[int]:
    return [step["count"] for step in api.funnel(**{"steps": STEPS, **JUNE, **body})["steps"]]


def test_the_answer_has_these_fields_and_echoes_the_query(api: Api) -> None:
    api.send(*story("ann: view@0m, cart@1m, buy@3m; bob: view@0m, cart@3m; cyd: view@0m; dan: view@0m; eve: buy@0m"))
    answer = api.http.post(api.path("insights/funnel"), json={"steps": STEPS, **JUNE}).json()
    assert isinstance(answer.pop("elapsed_ms"), float | int)
    assert answer["steps"] == [
        {
            "step": 1,
            "event": "view",
            "count": 4,
            "conversion_rate": 1,
            "step_conversion_rate": 1,
            "drop_off": 0,
            "median_seconds": 0,
            "average_seconds": 0,
        },
        {
            "step": 2,
            "event": "cart",
            "count": 2,
            "conversion_rate": 0.5,
            "step_conversion_rate": 0.5,
            "drop_off": 2,
            "median_seconds": 120,
            "average_seconds": 120,
        },
        {
            "step": 3,
            "event": "buy",
            "count": 1,
            "conversion_rate": 0.25,
            "step_conversion_rate": 0.5,
            "drop_off": 1,
            "median_seconds": 180,
            "average_seconds": 180,
        },
    ]
    echo = {
        name: answer[name]
        for name in ("conversion_rate", "conversion_window", "date_from", "date_to", "timezone", "aggregate_by", "modes")
    }
    assert echo == {
        "conversion_rate": 0.25,
        "conversion_window": "7d",
        "date_from": "2025-06-01T00:00:00.000Z",
        "date_to": "2025-07-01T00:00:00.000Z",
        "timezone": "UTC",
        "aggregate_by": "person",
        "modes": [],
    }


def test_a_funnel_of_nobody_has_counts_of_zero_and_no_rates(api: Api) -> None:
    answer = api.funnel(steps=STEPS, **JUNE)
    assert [(step["count"], step["drop_off"], step["median_seconds"], step["average_seconds"]) for step in answer["steps"]] == [
        (0, 0, None, None)
    ] * 3
    assert {answer["conversion_rate"], *(step["conversion_rate"] for step in answer["steps"])} == {None}


def test_a_step_that_nobody_reached_has_no_rate_behind_it(api: Api) -> None:
    api.send(*story("ann: view@0m"))
    steps = api.funnel(steps=STEPS, **JUNE)["steps"]
    assert [step["conversion_rate"] for step in steps] == [1, 0, 0]
    assert [step["step_conversion_rate"] for step in steps] == [1, 0, None]
    assert [step["drop_off"] for step in steps] == [0, 1, 0]


def test_median_and_average_are_of_those_who_came_so_far(api: Api) -> None:
    for place, seconds in enumerate([10, 20, 30, 100]):
        api.send(*story(f"p{place}: view@0s, cart@{seconds}s"))
    step = api.funnel(steps=STEPS[:2], **JUNE)["steps"][1]
    assert (step["median_seconds"], step["average_seconds"]) == (25, 40)


def test_times_run_from_the_start_of_the_chain_to_the_first_reaching_of_a_step(api: Api) -> None:
    api.send(*story("ann: view@0s, view@60s, cart@90s, buy@100s, cart@300s, buy@400s"))
    steps = api.funnel(steps=STEPS, **JUNE)["steps"]
    assert [step["average_seconds"] for step in steps] == [0, 30, 40]


def test_fractions_of_a_second_are_kept(api: Api) -> None:
    api.send(event("view", "ann", NOON), event("cart", "ann", NOON + 1500))
    assert api.funnel(steps=STEPS[:2], **JUNE)["steps"][1]["median_seconds"] == 1.5


WINDOWS = [
    ("1s", SECOND),
    ("90s", 90 * SECOND),
    ("2m", 2 * MINUTE),
    ("1h", HOUR),
    ("3d", 3 * DAY),
    ("2w", 14 * DAY),
    ("365d", 365 * DAY),
]


@pytest.mark.parametrize(("window", "length"), WINDOWS)
def test_the_window_includes_its_last_millisecond_and_not_the_next(api: Api, window: str, length: int) -> None:
    start = NOON - 366 * DAY
    api.send(event("view", "in", start), event("cart", "in", start + length))
    api.send(event("view", "out", start), event("cart", "out", start + length + 1))
    asked = api.funnel(steps=STEPS[:2], conversion_window=window, date_from="2024-01-01", date_to="2025-12-31")
    assert [step["count"] for step in asked["steps"]] == [2, 1]
    assert asked["conversion_window"] == window


def test_the_window_runs_from_the_first_step_and_is_seven_days_unless_told_otherwise(api: Api) -> None:
    api.send(*story("ann: view@0d, cart@4d, buy@8d; bob: view@0d, cart@4d, buy@7d"))
    assert counts(api) == [2, 2, 1]
    assert counts(api, conversion_window="8d") == [2, 2, 2]


def test_ties_help_whatever_the_order_of_arrival(api: Api) -> None:
    api.send(*story("ann: buy@0m, cart@0m, view@0m"))
    for name in ("buy", "view", "cart"):
        api.send(*story(f"bob: {name}@0m"))
    assert counts(api) == [2, 2, 2]
    assert counts(api, modes=["strict_increase"]) == [2, 0, 0]


def test_order_counts_and_arrival_does_not(api: Api) -> None:
    api.send(*story("ann: buy@0m, cart@1m, view@2m"))
    api.send(*story("bob: buy@3m"))
    api.send(*story("bob: view@1m, cart@2m"))
    assert counts(api) == [2, 1, 1]


def test_an_event_that_matches_every_step_completes_the_funnel_alone(api: Api) -> None:
    api.send(event("view", "ann"))
    same = [{"event": "view"}, {"event": "view"}]
    assert counts(api, steps=same) == [1, 1]
    assert counts(api, steps=same, modes=["strict_increase"]) == [1, 0]
    assert counts(api, steps=same, modes=["strict_once"]) == [1, 0]


MODES = [
    ("view@0m, cart@1m, buy@2m", [], [1, 1, 1]),
    ("view@0m, other@1m, cart@2m, buy@3m", ["strict_order"], [1, 0, 0]),
    ("other@-1m, view@0m, cart@2m, buy@3m", ["strict_order"], [1, 1, 1]),
    ("view@0m, buy@1m, cart@2m, buy@3m", ["strict_order"], [1, 0, 0]),
    ("view@0m, buy@1m, cart@2m, buy@3m", ["strict_order", "allow_reentry"], [1, 1, 1]),
    ("view@0m, cart@1m, cart@2m, buy@3m", ["strict_deduplication"], [1, 1, 0]),
    ("view@0m, view@1m, cart@2m, buy@3m", ["strict_deduplication"], [1, 1, 1]),
    ("view@0m, cart@0m, buy@1m", ["strict_increase"], [1, 0, 0]),
    ("view@0m, cart@1m, buy@1m", ["strict_increase", "strict_order"], [1, 1, 0]),
    ("view@0m, cart@1m, buy@2m", ["strict_deduplication", "strict_order", "strict_increase", "strict_once"], [1, 1, 1]),
]


@pytest.mark.parametrize(("told", "modes", "expected"), MODES)
def test_modes(api: Api, told: str, modes: list[str], expected: list[int]) -> None:
    api.send(*story(f"ann: {told}"))
    answer = api.funnel(steps=STEPS, modes=modes, **JUNE)
    assert [step["count"] for step in answer["steps"]] == expected
    assert sorted(answer["modes"]) == sorted(modes)


def test_steps_have_filters_and_so_has_the_funnel(api: Api) -> None:
    api.send(*story("ann: view@0m", properties={"page": "/a"}), *story("ann: buy@1m", properties={"price": 10}))
    api.send(*story("bob: view@0m", properties={"page": "/b"}), *story("bob: buy@1m", properties={"price": 99}))
    dear = {"event": "buy", "filters": [{"property": "price", "operator": "gt", "value": 50}]}
    assert counts(api, steps=[{"event": "view"}, dear]) == [2, 1]
    assert counts(api, steps=[{"event": "view", "properties": {"page": "/a"}}, {"event": "buy"}]) == [1, 1]
    assert counts(api, steps=[{"event": "view", "properties": {"page": ["/a", "/b"]}}, dear]) == [2, 1]
    assert counts(api, steps=STEPS[:1] + STEPS[2:], filters=[{"property": "page", "operator": "is_set"}]) == [2, 0]


URLS = ["/pricing", "/pricing/", "/pricing?a=b#c", "https://shop.example/pricing"]


@pytest.mark.parametrize("url", [f"https://shop.example/pricing{end}" for end in ("", "/", "?x=/y", "/?x", "#top", "/?x#y")])
def test_a_url_that_starts_with_a_slash_is_a_page(api: Api, url: str) -> None:
    api.send(event("$pageview", "ann", NOON, properties={"$current_url": url}), event("buy", "ann", NOON + 1))
    found = {
        value: counts(api, steps=[{"event": "$pageview", "properties": {"$current_url": value}}, {"event": "buy"}])
        for value in URLS
    }
    whole = [1, 1] if url == "https://shop.example/pricing" else [0, 0]
    assert found == {"/pricing": [1, 1], "/pricing/": [1, 1], "/pricing?a=b#c": [1, 1], "https://shop.example/pricing": whole}
    for value in ("/pric", "/pricing/plans", "/Pricing", "/", "pricing"):
        assert counts(api, steps=[{"event": "$pageview", "properties": {"$current_url": value}}, {"event": "buy"}]) == [0, 0]


def test_the_root_of_a_site_is_a_slash(api: Api) -> None:
    for place, url in enumerate(
        ["https://shop.example", "https://shop.example/", "https://shop.example/?a", "https://shop.example/x"]
    ):
        api.send(event("view", f"p{place}", NOON, properties={"$current_url": url}))
    assert counts(api, steps=[{"event": "view", "properties": {"$current_url": "/"}}, {"event": "buy"}]) == [3, 0]


def test_only_events_in_the_range_count(api: Api) -> None:
    api.send(*story("ann: view@0h, cart@1h, buy@2h"))
    assert counts(api, date_from=iso(NOON + 1)) == [0, 0, 0]
    assert counts(api, date_from=iso(NOON), date_to=iso(NOON + 2 * HOUR)) == [1, 1, 0]
    assert counts(api, date_from=iso(NOON), date_to=iso(NOON + 2 * HOUR + 1)) == [1, 1, 1]
    assert counts(api, date_from="2025-06-15", date_to="2025-06-15", timezone="Asia/Kathmandu") == [1, 1, 1]
    assert counts(api, date_from="2025-06-15", date_to="2025-06-15", timezone="Pacific/Kiritimati") == [0, 0, 0]


def test_sessions_can_be_counted_in_place_of_persons(api: Api) -> None:
    api.send(*story("ann: view@0m, cart@1m", sessionId="one"), *story("ann: view@5m, buy@6m", sessionId="two"))
    api.send(*story("bob: view@0m, cart@20m; bob: buy@120m"))
    assert counts(api) == [2, 2, 2]
    answer = api.funnel(steps=STEPS, aggregate_by="session", **JUNE)
    assert [step["count"] for step in answer["steps"]] == [3, 2, 0]
    assert answer["aggregate_by"] == "session"


def test_a_person_is_the_user_where_there_is_one_and_identify_does_not_look_back(api: Api) -> None:
    api.send(event("view", "a1", NOON), event("cart", "a1", NOON + 1, userId="u1"))
    api.send(event("view", "a2", NOON, userId="u2"), event("cart", "a3", NOON + 1, userId="u2"))
    assert counts(api) == [2, 1, 0]


def test_a_breakdown_goes_by_the_first_event_that_matched_step_one(api: Api) -> None:
    api.send(*story("ann: view@0m", properties={"plan": "free"}), *story("ann: view@1m, cart@2m", properties={"plan": "pro"}))
    api.send(*story("bob: view@0m", properties={"plan": "pro"}), *story("cyd: view@0m, cart@1m"))
    answer = api.funnel(steps=STEPS[:2], breakdown="plan", **JUNE)
    assert answer["breakdown"] == "plan"
    assert [step["count"] for step in answer["steps"]] == [3, 2]
    by_value = {each["breakdown_value"]: each for each in answer["breakdowns"]}
    assert {value: [step["count"] for step in each["steps"]] for value, each in by_value.items()} == {
        "free": [1, 1],
        "pro": [1, 0],
        None: [1, 1],
    }
    assert by_value["pro"]["conversion_rate"] == 0
    assert by_value["free"]["steps"][1]["median_seconds"] == 60


def test_beyond_the_limit_the_rest_of_a_breakdown_is_summed(api: Api) -> None:
    for place, plan in enumerate("abcd"):
        people = "; ".join(f"{plan}{n}: view@0m, cart@1m" for n in range(4 - place))
        api.send(*story(people, properties={"plan": plan}))
    answer = api.funnel(steps=STEPS[:2], breakdown="plan", breakdown_limit=2, **JUNE)
    found = {each["breakdown_value"]: [step["count"] for step in each["steps"]] for each in answer["breakdowns"]}
    assert found == {"a": [4, 4], "b": [3, 3], "$other": [3, 3]}


def test_thirty_two_steps_are_a_funnel(api: Api) -> None:
    names = [f"step {n}" for n in range(32)]
    api.send(*[event(name, "ann", NOON + n) for n, name in enumerate(names)])
    answer = api.funnel(steps=[{"event": name} for name in names], **JUNE)
    assert [step["count"] for step in answer["steps"]] == [1] * 32
    assert [step["event"] for step in answer["steps"]] == names
    assert [step["step"] for step in answer["steps"]] == list(range(1, 33))
