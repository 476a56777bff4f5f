"""The published Python client, unmodified: what it sends is what is read back."""

import time
import urllib.request
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from http_rig import Api
from sessionvision.client import Client
from sessionvision.config import Config

EVENTS = 10_000
REGISTERED = {"app_version": "2.1.0", "Sprache": "Deutsch ÄÖÜ", "flags": {"beta": True}}


def ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def captured(number: int) -> dict[str, Any]:
    """The arguments of one call, small and large in turn."""
    properties: dict[str, Any] = {"n": number, "price": number / 7, "is_even": number % 2 == 0, "nothing": None}
    if number % 3 == 0:
        properties |= {"nested": {"list": [1, "zwei", {"drei": [None, True, -0.5]}], "größe": "日本語 😀"}, "": "empty key"}
    if number % 5 == 0:
        properties |= {"$current_url": f"https://shop.example/p/{number}?q=ü", "text": "long text " * 40, "big": 2**63 - number}
    arguments: dict[str, Any] = {"event_name": f"event {number % 17} ✓", "properties": properties}
    if number % 4 != 1:
        arguments["user_id"] = f"user {number % 101}"
    if number % 4 != 2:
        arguments["anonymous_id"] = f"anonym-{number % 203}-é"
    if number % 6 == 0:
        arguments["session_id"] = f"session {number % 37}"
    if number % 7 == 0:
        arguments["groups"] = [f"team {number % 3}", "Gruppe Ü"]
    return arguments


class Sender:
    """Clients of several batch sizes, and a note of all that they were told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.errors: list[Exception] = []
        self.told: dict[int, dict[str, Any]] = {}

    def send(self, numbers: range, flush_size: int) -> None:
        config = Config(
            "sv_pub_dev", self.url, flush_size=flush_size, flush_interval=60, on_error=lambda error, _: self.errors.append(error)
        )
        client = Client(config)
        client.register(**REGISTERED)
        client.register_once(app_version="ignored", once=1)
        client.set_groups(["everybody"])
        for number in numbers:
            arguments = captured(number)
            before = time.time_ns() // 1_000_000
            if number % 50 == 49:
                arguments = {
                    "user_id": f"user {number % 101}",
                    "n": number,
                    "email": f"u{number}@exämple.org",
                    "age": number % 90,
                }
                client.identify(**arguments)
            else:
                client.capture(**arguments)
            self.told[number] = {**arguments, "between": (before, time.time_ns() // 1_000_000)}
        client.shutdown()


def check(found: dict[str, Any], told: dict[str, Any]) -> None:
    """One event as read back against the call that made it."""
    is_identify = "event_name" not in told
    traits = {name: value for name, value in told.items() if name not in ("user_id", "between")}
    properties = {**REGISTERED, "once": 1, **(traits if is_identify else told["properties"])}
    assert found["properties"] == properties
    assert found["event"] == ("$identify" if is_identify else told["event_name"])
    assert found["user_id"] == told.get("user_id")
    assert found["anonymous_id"] == told.get("anonymous_id")
    assert found["distinct_id"] == told.get("user_id", told.get("anonymous_id"))
    assert found["groups"] == ["everybody", *told.get("groups", [])]
    if "session_id" in told:
        assert found["session_id"] == told["session_id"]
    else:
        assert UUID(found["session_id"]).version == 4
    first, last = told["between"]
    assert first <= round(ms(found["timestamp"])) <= last


def test_ten_thousand_events_of_the_unmodified_client_read_back_as_they_were_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    encodings = Counter[str | None]()
    urlopen = urllib.request.urlopen

    def counted(request: urllib.request.Request, **more: Any) -> Any:
        encodings[request.get_header("Content-encoding")] += 1
        return urlopen(request, **more)

    monkeypatch.setattr(urllib.request, "urlopen", counted)
    sender = Sender(api.server.url)
    sender.send(range(300), flush_size=1)  # under 1,024 bytes and plain, or over and gzipped
    sender.send(range(300, 1000), flush_size=10)
    sender.send(range(1000, EVENTS), flush_size=250)
    assert sender.errors == []
    assert encodings[None] > 100, encodings
    assert encodings["gzip"] > 100, encodings
    events = api.listed()
    assert len(events) == EVENTS
    by_number = {found["properties"]["n"]: found for found in events}
    assert by_number.keys() == sender.told.keys()
    for number, told in sender.told.items():
        check(by_number[number], told)
    asked = api.trends(events=[{"name": "$identify", "math": "unique_persons"}, {"name": "event 3 ✓"}], date_from="-1d")
    identified = {told["user_id"] for told in sender.told.values() if "event_name" not in told}
    named = [told for told in sender.told.values() if told.get("event_name") == "event 3 ✓"]
    assert [series["total"] for series in asked["series"]] == [len(identified), len(named)]


def test_a_refused_batch_reaches_the_caller_and_is_not_sent_again(api: Api) -> None:
    refused: list[Exception] = []
    before = api.metric("sv_ingest_requests_total")
    client = Client(Config("sv_pub_unknown", api.server.url, flush_size=1, on_error=lambda error, _: refused.append(error)))
    client.capture("view", user_id="ann")
    client.shutdown()
    assert [getattr(error, "code", None) for error in refused] == [401]
    assert api.metric("sv_ingest_requests_total") == before + 1
    for error in refused:
        getattr(error, "close", lambda: None)()
    assert api.listed() == []


def test_a_number_that_is_none_costs_no_batch(api: Api) -> None:
    sender = Sender(api.server.url)
    client = Client(
        Config("sv_pub_dev", api.server.url, flush_interval=60, on_error=lambda error, _: sender.errors.append(error))
    )
    for price in (1.5, float("nan"), float("-inf")):
        client.capture("seen", user_id="ann", properties={"price": price, "text": "NaN"})
    client.shutdown()
    assert sender.errors == []
    assert [event["properties"] for event in api.listed()[::-1]] == [
        {"price": price, "text": "NaN"} for price in (1.5, None, None)
    ]
