"""What the shop's own tests hold it to. Those of `TestBroken` are meant to fail."""

import os
import socket
import time
from pathlib import Path

import pytest


def note(line: str) -> None:
    with Path(os.environ["SHOP_NOTES"]).open("a") as notes:
        notes.write(line + "\n")


def no_network(*_, **__):
    raise RuntimeError("no network in tests")


def test_a_purchase_arrives_with_its_amount(shop, sv_server):
    shop.tell("view", "ann")
    sv_server.wait_for("view")
    shop.tell("purchase", "ann", amount=99.99)
    [bought] = sv_server.wait_for("purchase")
    assert bought["properties"]["amount"] == 99.99
    assert bought["distinct_id"] == "ann"
    assert [event["event"] for event in sv_server.events()] == ["view", "purchase"]
    assert sv_server.funnel("view", "purchase").counts == [1, 1]
    note(f"first {sv_server.url} {sv_server.pid}")


def test_nothing_is_left_of_the_test_before(sv_server):
    assert sv_server.events() == []
    assert sv_server.persons() == []
    sv_server.capture("view", "bob", {"plan": "pro"})
    sv_server.capture("view", anonymous_id="nobody")
    assert sv_server.trend("view", "purchase").totals == [2, 0]
    assert [person["distinct_id"] for person in sv_server.persons()] == ["bob", "nobody"]
    assert len(sv_server.events("view", properties={"plan": "pro"})) == 1
    note(f"second {sv_server.url} {sv_server.pid}")


@pytest.mark.sv_keep
def test_what_arrived_is_kept_where_a_test_says_so(sv_server):
    sv_server.capture("view", "carl")
    assert len(sv_server.events("view", distinct_id="carl")) == 1
    note(f"third {sv_server.url} {sv_server.pid} {len(sv_server.events())}")


class TestBroken:
    def test_waits_for_what_never_comes(self, shop, sv_server):
        shop.tell("view", "ann", page="/pricing")
        sv_server.wait_for("view")
        sv_server.wait_for("purchase", 2, timeout=0.05)

    def test_waits_while_its_clock_stands(self, sv_server, monkeypatch):
        monkeypatch.setattr(time, "monotonic", lambda: 1000.0)  # as freezegun does
        sv_server.wait_for("purchase", timeout=0.05)

    def test_has_no_network(self, sv_server, monkeypatch):
        monkeypatch.setattr(socket, "create_connection", no_network)
        assert sv_server.url == "elsewhere"

    def test_counts_wrongly(self, sv_server):
        sv_server.capture("signup", "dora")
        assert sv_server.funnel("signup", "purchase").counts == [1, 1]

    def test_asks_for_what_there_is_not(self, sv_server):
        sv_server.funnel("view", "purchase", window="a week")


def test_that_needs_no_server_starts_none():
    assert True
