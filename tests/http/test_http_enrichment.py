"""What the server adds to an event, and that it never replaces what the client said."""

import json
import time
from typing import Any

import pytest
from http_rig import INGEST, NOON, Api, body_of, event, running

DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS = [
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "Chrome", "126", "Windows", "Desktop"),
    (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        *("Edge", "126", "Windows", "Desktop"),
    ),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Version/17.5 Safari/605.1.15",
        "Safari",
        "17.5",
        "macOS",
        "Desktop",
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127", "Linux", "Desktop"),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
        *("Safari", "17.5", "iOS", "Mobile"),
    ),
    (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome", "126", "Android", "Mobile"),
    (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "Chrome", "126", "Android", "Tablet"),
    (
        f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
        *("Safari", "17.5", "iOS", "Tablet"),
    ),
]
CHROME = AGENTS[0][0]
BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
]
NO_BOTS = ["Python-urllib/3.11", "Python-urllib/3.13", CHROME, "", "okhttp/4.12.0", "MyShop/5.1 (iPhone; iOS 17.1)"]


def properties(api: Api, own: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    kept: dict[str, Any] = api.stored(event(properties=own or {}), **{"user_agent": "", **headers})["properties"]
    return kept


@pytest.mark.parametrize(("agent", "browser", "version", "system", "device"), AGENTS)
def test_browser_system_and_device_come_from_the_user_agent(
    api: Api, agent: str, browser: str, version: str, system: str, device: str
) -> None:
    assert properties(api, user_agent=agent) == {
        "$browser": browser,
        "$browser_version": version,
        "$os": system,
        "$device_type": device,
    }


@pytest.mark.parametrize("agent", [b"", b"nonsense", b"(" * 1000, b"Mozilla/5.0", "é\u2028".encode(), b"\xff\xfe"])
def test_a_user_agent_that_says_nothing_adds_nothing(api: Api, agent: bytes) -> None:
    answer = api.http.post(INGEST, json=body_of([event()]), headers=[(b"user-agent", agent)])
    assert answer.status_code == 202
    (found,) = api.listed()
    assert not found["properties"].keys() & {"$browser", "$browser_version", "$os", "$device_type", "$is_bot"}


COUNTRIES = [
    ("DE", "DE"),
    ("de", "DE"),
    ("GB", "GB"),
    ("XX", None),
    ("T1", None),
    ("EU", None),
    ("Germany", None),
    ("", None),
    ("1", None),
]


@pytest.mark.parametrize(("header", "country"), COUNTRIES)
def test_the_country_comes_from_the_cdn(api: Api, header: str, country: str | None) -> None:
    assert properties(api, cf_ipcountry=header).get("$country") == country


@pytest.mark.parametrize("header", ["cf_ipcountry", "cloudfront_viewer_country", "x_vercel_ip_country"])
def test_each_large_cdn_has_a_header_of_its_own(api: Api, header: str) -> None:
    assert properties(api, **{header: "NL"}) == {"$country": "NL"}


def test_campaign_parameters_come_from_the_url(api: Api) -> None:
    url = "https://shop.example/p?utm_source=news+letter&utm_medium=e%2Dmail&utm_campaign=%C3%BCber&utm_term=a&utm_content=b&other=1#x"
    assert properties(api, {"$current_url": url}) == {
        "$current_url": url,
        "utm_source": "news letter",
        "utm_medium": "e-mail",
        "utm_campaign": "über",
        "utm_term": "a",
        "utm_content": "b",
    }


def test_the_referring_domain_comes_from_the_referrer(api: Api) -> None:
    referrer = "https://News.Example.org:8443/item?id=1"
    assert properties(api, {"$referrer": referrer}) == {"$referrer": referrer, "$referring_domain": "news.example.org"}


@pytest.mark.parametrize(
    "url", ["", "no url", "/path?x=1", "https://", "http://[::1", "https://shop.example/?utm_source", 5, None, [], {}]
)
def test_an_odd_url_is_kept_and_adds_nothing(api: Api, url: Any) -> None:
    own = {"$current_url": url, "$referrer": url}
    kept = properties(api, own)
    assert kept.pop("$referring_domain", None) in (None, "shop.example")
    assert kept == own


@pytest.mark.parametrize("own", ["mine", "", 5, False, None, [], {"a": 1}])
def test_what_the_client_sent_is_never_overwritten(api: Api, own: Any) -> None:
    names = ["$browser", "$browser_version", "$os", "$device_type", "$country", "$referring_domain"]
    sent = dict.fromkeys([*names, "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"], own)
    sent["$current_url"] = "https://shop.example/?utm_source=s&utm_medium=m&utm_campaign=c&utm_term=t&utm_content=n"
    sent["$referrer"] = "https://other.example/"
    assert properties(api, sent, user_agent=CHROME, cf_ipcountry="DE") == sent


@pytest.mark.parametrize("agent", BOTS)
def test_a_bot_is_marked_and_listed_and_not_counted(api: Api, agent: str) -> None:
    api.send(event("view", "bot", NOON), user_agent=agent)
    api.send(event("view", "ann", NOON + 1), user_agent=CHROME)
    found = {each["distinct_id"]: each["properties"].get("$is_bot") for each in api.listed()}
    assert found == {"bot": True, "ann": None}
    asked = api.trends(events=[{"name": "view"}, {"name": "view", "math": "unique_persons"}], **DAY)
    assert [series["total"] for series in asked["series"]] == [1, 1]
    steps = [{"event": "view"}, {"event": "buy"}]
    assert api.funnel(steps=steps, **DAY)["steps"][0]["count"] == 1
    assert api.trends(events=[{"name": "view"}], include_bots=True, **DAY)["series"][0]["total"] == 2
    assert api.funnel(steps=steps, include_bots=True, **DAY)["steps"][0]["count"] == 2


@pytest.mark.parametrize("agent", NO_BOTS)
def test_a_browser_and_the_clients_of_the_product_are_no_bots(api: Api, agent: str) -> None:
    api.send(event(), user_agent=agent)
    (found,) = api.listed()
    assert "$is_bot" not in found["properties"]
    assert api.trends(events=[{"name": "view"}], **DAY)["series"][0]["total"] == 1


def test_a_client_may_say_by_itself_that_it_is_a_bot_or_that_it_is_none(api: Api) -> None:
    api.send(event("view", "one", NOON, properties={"$is_bot": True}), user_agent=CHROME)
    api.send(event("view", "two", NOON + 1, properties={"$is_bot": False}), user_agent=BOTS[0])
    found = {each["distinct_id"]: each["properties"]["$is_bot"] for each in api.listed()}
    assert found == {"one": True, "two": False}
    assert api.trends(events=[{"name": "view"}], **DAY)["series"][0]["total"] == 1


def test_what_was_added_can_be_filtered_and_broken_down_by(api: Api) -> None:
    url = {"$current_url": "https://shop.example/?utm_source=mail", "$referrer": "https://news.example/"}
    api.send(event("view", "ann", NOON, properties=url), user_agent=CHROME, cf_ipcountry="DE")
    api.send(event("view", "bob", NOON + 1), user_agent=AGENTS[4][0], cf_ipcountry="FR")
    added = {
        "$browser": "Chrome",
        "$browser_version": "126",
        "$os": "Windows",
        "$device_type": "Desktop",
        "$country": "DE",
        "$referring_domain": "news.example",
        "utm_source": "mail",
    }
    for name, value in added.items():
        assert [found["distinct_id"] for found in api.listed(properties={name: value})] == ["ann"]
        asked = api.trends(events=[{"name": "view"}], breakdown=name, **DAY)
        assert {series["breakdown_value"]: series["total"] for series in asked["series"]}[value] == 1


def test_the_address_of_the_visitor_is_in_no_answer(api: Api) -> None:
    address = "203.0.113.77"
    names = ["x_forwarded_for", "x_real_ip", "cf_connecting_ip", "true_client_ip", "forwarded"]
    api.send(event(properties={"p": 1}), user_agent=CHROME, **dict.fromkeys(names, address))
    listed = json.dumps(api.listed())
    metrics = api.http.get("/metrics", headers={"X-Real-IP": address}).text
    for text in (listed, metrics):
        assert address not in text
        assert "127.0.0.1" not in text
    assert "$ip" not in listed


def test_enrichment_is_the_same_before_and_after_events_lie_in_files() -> None:
    with running("dev", "--flush-events", "1", "--flush-seconds", "0.2") as server, Api(server) as api:
        url = {"$current_url": "https://shop.example/?utm_source=mail", "$referrer": "https://news.example/"}
        api.send(event(properties=url), user_agent=CHROME, cf_ipcountry="DE")
        (before,) = api.listed()
        until = time.monotonic() + 30
        while api.metric("sv_events_held") and time.monotonic() < until:
            assert api.listed() == [before]
        assert api.metric("sv_parts") == 1
        assert api.listed() == [before]
        assert len(before["properties"]) == 9
