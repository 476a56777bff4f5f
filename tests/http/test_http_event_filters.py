"""Every filter of the list of events, against a filter in plain Python over what was sent.

`holds` is written from the contract alone. Insights take the same filters: the last test holds them to the list.
"""

import json
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from http_rig import HOUR, NOON, Api, event, running

Item = dict[str, Any]
ABSENT = object()
EQUALS = ("exact", "is_not")
TEXTS = ("icontains", "not_icontains", "regex", "not_regex")
ORDERS = ("gt", "gte", "lt", "lte")
OPERATORS = (*EQUALS, *TEXTS, *ORDERS, "is_set", "is_not_set")

VALUES: list[Any] = [
    ABSENT,
    None,
    *(
        "pro",
        "Pro",
        "free",
        "",
        "10",
        "9",
        "true",
        "2025-01-31",
        "100%",
        "a_b",
        "axb",
        "O'Brien",
        "ÄÖ",
        "äö",
        "line\nbreak",
        "[x]",
    ),
    *(0, 1, 9, 10, 10.0, 10.5, -1, 2**63, 2**53 + 1, 1e300, 0.1, True, False, [], ["pro"], [10], {}, {"pro": 1}),
]
KEYS = ["plan", "a.b", "a/b", "a~b", "$.*", "ünï", "with space", "quote'\"", "0", "$current_url"]
URLS = [
    ABSENT,
    *(
        "https://shop.example/pricing",
        "https://shop.example/pricing/",
        "https://shop.example/pricing?a=/x",
        "https://shop.example/pricing#b",
    ),
    *(
        "https://other.example/pricing",
        "http://shop.example:8080/pricing/",
        "https://shop.example/pricing/plans",
        "https://shop.example/",
    ),
    *("https://shop.example", "https://shop.example/Pricing", "/pricing", "https://shop.example/pricing//", "pricing"),
]


def the_events() -> list[Item]:
    chance = random.Random(7)
    made: list[Item] = []
    for number in range(120):
        properties = {key: value for key in KEYS[:-1] if (value := chance.choice(VALUES)) is not ABSENT}
        url = chance.choice(URLS)
        if url is not ABSENT:
            properties["$current_url"] = url
        properties["n"] = number
        who = {"anonymousId": f"anon {number % 5}"} | ({"userId": f"user {number % 3}"} if number % 4 == 0 else {})
        made.append(
            event(
                chance.choice(["view", "buy", "sign up", "ünï"]),
                "",
                NOON + number * 7 * HOUR,
                **who,
                sessionId=f"s{number % 6}",
                properties=properties,
            )
        )
    return made


EVENTS = the_events()


@pytest.fixture
def shared(full: Api) -> Api:
    """The events, sent once for the tests of this module that do not change them."""
    if full.content != __name__:
        full.reset()
        full.send(*EVENTS, user_agent="")
        full.content = __name__
    return full


def numbers(api: Api, **parameters: Any) -> list[int]:
    return sorted(found["properties"]["n"] for found in api.listed(**parameters))


def expected(is_kept: Any) -> list[int]:
    return [sent["properties"]["n"] for sent in EVENTS if is_kept(sent)]


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def path_of(url: str) -> str | None:
    whole = re.fullmatch(r"(?:[a-z]+://[^/?#]*)?([^?#]*)(?:[?#].*)?", url, re.DOTALL)
    if whole is None or not (url.startswith("/") or "://" in url):
        return None
    return whole[1].removesuffix("/")


def compare(operator: str, held: Any, value: Any) -> bool:
    match operator:
        case "exact":
            return bool(held == value)
        case "gt":
            return bool(held > value)
        case "gte":
            return bool(held >= value)
        case "lt":
            return bool(held < value)
        case _:
            return bool(held <= value)


def holds(item: Item, properties: Item) -> bool:
    """Whether an event with these properties passes a filter. A negation holds wherever its positive does not."""
    operator, value = item["operator"], item.get("value")
    positive = {"is_not": "exact", "not_icontains": "icontains", "not_regex": "regex", "is_not_set": "is_set"}.get(operator)
    if positive is not None:
        return not holds({**item, "operator": positive}, properties)
    held = properties.get(item["property"])
    if held is None or operator == "is_set":
        return held is not None
    if isinstance(value, list):
        return any(holds({**item, "value": each}, properties) for each in value)
    if kind(held) != kind(value):
        return False
    if item["property"] == "$current_url" and isinstance(value, str) and value.startswith("/"):
        held, value = path_of(held), path_of(value)
        if held is None:
            return False
    if operator in ("icontains", "regex"):
        if not isinstance(held, str):
            return False
        return value.lower() in held.lower() if operator == "icontains" else re.search(value, held) is not None
    return compare(operator, held, value)


def all_hold(items: list[Item], properties: Item) -> bool:
    return all(holds(item, properties) for item in items)


@pytest.mark.parametrize("name", ["view", "buy", "sign up", "ünï", "BUY", "nobody sent it", "%", "' or 1=1 --"])
def test_by_the_name_of_the_event(shared: Api, name: str) -> None:
    assert numbers(shared, event=name) == expected(lambda sent: sent["event"] == name)


@pytest.mark.parametrize("who", ["anon 0", "anon 4", "user 0", "user 2", "anon", "ANON 0", "nobody"])
def test_by_the_person_who_is_the_user_where_there_is_one(shared: Api, who: str) -> None:
    assert numbers(shared, distinct_id=who) == expected(lambda sent: sent.get("userId", sent["anonymousId"]) == who)


@pytest.mark.parametrize("session", ["s0", "s5", "s", "none"])
def test_by_the_session(shared: Api, session: str) -> None:
    assert numbers(shared, session_id=session) == expected(lambda sent: sent["sessionId"] == session)


def test_by_all_of_them_at_once(shared: Api) -> None:
    asked: Item = {"event": "view", "session_id": "s0", "distinct_id": "anon 1", "properties": {"ünï": ["pro", "", 10]}}
    asked["filters"] = [{"property": "n", "operator": "lt", "value": 100}]
    items = [*asked["filters"], {"property": "ünï", "operator": "exact", "value": ["pro", "", 10]}]
    wanted = expected(
        lambda sent: (
            (sent["event"], sent["sessionId"], sent.get("userId", sent["anonymousId"])) == ("view", "s0", "anon 1")
            and all_hold(items, sent["properties"])
        )
    )
    assert numbers(shared, **asked) == wanted


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("key", KEYS)
def test_each_operator_on_each_kind_of_value_as_python_would(shared: Api, key: str, operator: str) -> None:
    values: list[Any] = [value for value in VALUES if isinstance(value, str | int | float)]
    if operator in TEXTS:
        values = [value for value in values if isinstance(value, str) and value]
        values += ["(?i)PRO", "^p", "o$", "a.b", r"\d+", "."] if "regex" in operator else ["RO", "%", "_", "0", "\n"]
    elif operator in ORDERS:
        values = [value for value in values if not isinstance(value, bool)]
    elif operator in EQUALS:
        values += [["pro", "Pro"], ["free", 10, True], [0, False], ["nothing"]]
    else:
        values = [None]
    if key == "$current_url":
        values = [
            *(url for url in URLS if isinstance(url, str)),
            "/pricing/",
            "/",
            "/Pricing",
            "/pricing/plans?x#y",
            ["/pricing", "https://shop.example"],
        ]
        if operator in TEXTS:
            values = ["pricing", "shop.example", "SHOP" if "icontains" in operator else "(?i)SHOP", "/pricing", "/plans"]
        elif operator in ORDERS:
            values = [value for value in values if isinstance(value, str)]
        elif operator not in EQUALS:
            values = [None]
    usable = [value for value in values if operator not in ("regex", "not_regex") or is_regex(value)]
    for value in random.Random(f"{key} {operator}").sample(usable, min(4, len(usable))):
        item = {"property": key, "operator": operator} | ({} if value is None else {"value": value})
        assert numbers(shared, filters=[item]) == expected(lambda sent, item=item: holds(item, sent["properties"])), item


def is_regex(value: Any) -> bool:
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def test_of_several_filters_all_must_hold(shared: Api) -> None:
    chance = random.Random(3)
    for _ in range(25):
        items = [
            {"property": chance.choice(KEYS[:-1]), "operator": "is_not", "value": chance.choice(["pro", 10, True])}
            for _ in range(3)
        ]
        items.append({"property": chance.choice(KEYS), "operator": chance.choice(["is_set", "is_not_set"])})
        assert numbers(shared, filters=items) == expected(lambda sent, items=items: all_hold(items, sent["properties"]))


def test_the_short_form_is_exact(shared: Api) -> None:
    chance = random.Random(5)
    for _ in range(25):
        short = {chance.choice(KEYS[:-1]): chance.choice(["pro", "", 10, True, ["free", 1, False]]) for _ in range(2)}
        items = [{"property": key, "operator": "exact", "value": value} for key, value in short.items()]
        wanted = expected(lambda sent, items=items: all_hold(items, sent["properties"]))
        assert numbers(shared, properties=short) == numbers(shared, filters=items) == wanted


def at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


RANGES: list[tuple[Item, int, int]] = [
    ({"date_from": "2025-06-20"}, NOON + 108 * HOUR, 1 << 60),
    ({"date_to": "2025-06-20"}, 0, NOON + 132 * HOUR),
    ({"date_from": "2025-06-20", "date_to": "2025-06-20"}, NOON + 108 * HOUR, NOON + 132 * HOUR),
    ({"date_from": "2025-06-16", "date_to": "2025-07-01"}, NOON + 12 * HOUR, NOON + 396 * HOUR),
    ({"date_from": at(NOON)}, NOON, 1 << 60),
    ({"date_from": at(NOON + 1)}, NOON + 1, 1 << 60),
    ({"date_to": at(NOON + 14 * HOUR)}, 0, NOON + 14 * HOUR),
    ({"date_to": at(NOON + 14 * HOUR + 1)}, 0, NOON + 14 * HOUR + 1),
    ({"date_from": "2025-06-15T14:00:00+02:00", "date_to": "2025-06-16T00:45:00+05:45"}, NOON, NOON + 7 * HOUR),
    ({"date_from": "2031-01-01"}, 1 << 60, 1 << 60),
    ({"date_to": "1990-01-01"}, 0, 0),
]


@pytest.mark.parametrize(("asked", "start", "end"), RANGES, ids=lambda value: json.dumps(value))
def test_by_date_a_day_being_whole_and_an_instant_being_the_end_that_is_left_out(
    shared: Api, asked: Item, start: int, end: int
) -> None:
    assert numbers(shared, **asked) == expected(lambda sent: start <= sent["timestamp"] < end)


def test_by_a_date_that_is_relative_to_now(api: Api) -> None:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ages = {
        "now": timedelta(),
        "an hour": timedelta(hours=1),
        "a day and an hour": timedelta(hours=25),
        "the start of the day 7 days ago": now - midnight + timedelta(days=7),
        "before it": now - midnight + timedelta(days=7, seconds=1),
    }
    for name, age in ages.items():
        api.send(event(name, "ann", round((now - age).timestamp() * 1000)))
    wanted = {
        "-24h": ["an hour", "now"],
        "-26h": ["a day and an hour", "an hour", "now"],
        "-7d": ["a day and an hour", "an hour", "now", "the start of the day 7 days ago"],
        "-1w": ["a day and an hour", "an hour", "now", "the start of the day 7 days ago"],
        "-8d": sorted(ages),
    }
    for date, names in wanted.items():
        assert sorted(found["event"] for found in api.listed(date_from=date)) == names, date
    assert [found["event"] for found in api.listed(date_to="-8d")] == ["before it"]
    assert api.listed(date_to="-9d") == []


def test_insights_take_the_same_filters(shared: Api) -> None:
    chance = random.Random(11)
    dates = {"date_from": "2025-06-01", "date_to": "2025-08-01"}
    for _ in range(30):
        key = chance.choice(KEYS)
        operator = chance.choice([each for each in OPERATORS if each not in ORDERS])
        value = {"$current_url": "/pricing"}.get(key, chance.choice(["pro", "10", "o"]))
        item = {"property": key, "operator": operator} | (
            {} if operator.startswith("is_") and "set" in operator else {"value": value}
        )
        wanted = len(expected(lambda sent, item=item: sent["event"] == "view" and holds(item, sent["properties"])))
        everywhere = shared.trends(events=[{"name": "view"}], filters=[item], **dates)
        of_one = shared.trends(events=[{"name": "view", "filters": [item]}], **dates)
        assert everywhere["series"][0]["total"] == of_one["series"][0]["total"] == wanted, item
        persons = {
            sent.get("userId", sent["anonymousId"])
            for sent in EVENTS
            if sent["event"] == "view" and holds(item, sent["properties"])
        }
        steps = [{"event": "view", "filters": [item]}, {"event": "nothing"}]
        assert shared.funnel(steps=steps, **dates)["steps"][0]["count"] == len(persons)


def test_a_list_of_many_numbers_fits_into_the_memory_of_a_small_server() -> None:
    """While the events are in no file, too, where each comparison is prepared by itself."""
    with running("dev", "--memory-limit", "512MiB", "--flush-seconds", "3600") as server, Api(server) as api:
        api.send(*(event("view", f"p{number}", properties={"n": number}) for number in range(1000)))
        asked = {"property": "n", "operator": "exact", "value": list(range(500, 1400))}
        found = api.http.post(
            api.path("insights/trends"),
            json={"events": [{"name": "view"}], "filters": [asked], "date_from": "2025-06-15", "date_to": "2025-06-15"},
        )
        assert found.status_code == 200, found.text
        assert found.json()["series"][0]["total"] == 500
