"""Sending: in batches, again where it may help and not where it can't, and never anything twice."""

import json

import pytest

from tests.browser.client.client_rig import Visitor


def capture(visitor: Visitor, *names: str) -> None:
    for name in names:
        visitor.run(f"sessionvision.capture('{name}')")


@pytest.fixture
def still(visitor: Visitor) -> Visitor:
    """On a page whose clock stands, with nothing captured by itself."""
    visitor.site.options = "{autocapture: false}"
    visitor.still()
    visitor.open()
    return visitor


def test_five_seconds_make_a_batch(still: Visitor) -> None:
    capture(still, "one", "two")
    still.later(4.9)
    assert still.sent() == []
    still.later(0.2)
    still.eventually(still.sent, [["one", "two"]])
    still.expect("one", "two")


def test_ten_events_make_a_batch_without_waiting(still: Visitor) -> None:
    names = [f"e{index}" for index in range(12)]
    capture(still, *names)
    still.eventually(still.sent, [names[:10]])
    still.eventually(lambda: len(still.stored()), 10)
    still.later(5)
    still.eventually(still.sent, [names[:10], names[10:]])


def test_a_failing_server_is_tried_again_after_1_2_and_4_seconds_with_the_same_body(still: Visitor) -> None:
    still.plan(500, 503, 502)
    capture(still, "one", "two")
    still.run("sessionvision.flush()")
    for tries, wait in ((1, 1), (2, 2), (3, 4)):
        still.eventually(lambda: len(still.bodies()), tries)
        # The answer has been seen once the events are kept for a next page, and the wait has begun.
        still.page.wait_for_function("() => localStorage.sessionvision_queue")
        still.later(wait - 0.01)
        assert len(still.bodies()) == tries
        still.later(0.01)
    still.eventually(lambda: len(still.bodies()), 4)
    assert len(set(still.bodies())) == 1
    still.expect("one", "two")
    still.page.wait_for_function("() => !localStorage.sessionvision_queue")


def test_events_of_which_the_answer_was_lost_are_stored_once(still: Visitor) -> None:
    still.plan("lost", "lost")
    capture(still, "one")
    still.run("sessionvision.flush()")
    still.eventually(lambda: len(still.stored()), 1)
    still.eventually(lambda: (still.later(1), len(still.bodies()))[1], 3)
    # Known again by its id alone, in a batch with another beside it.
    (event,) = json.loads(still.bodies()[0])["events"]
    other = {**event, "event": "other", "eventId": "00000000-0000-4000-8000-000000000001"}
    still.api.send(other, event)
    assert sorted(event["event"] for event in still.stored()) == ["one", "other"]


@pytest.mark.parametrize("status", [400, 401, 413, 422, 429])
def test_what_is_refused_is_not_sent_again(still: Visitor, status: int) -> None:
    still.plan(status)
    capture(still, "one")
    still.run("sessionvision.flush()")
    still.eventually(lambda: [request.response() is not None for request in still.asked if request.post_data], [True])
    still.later(120)
    capture(still, "two")
    still.later(5)
    still.eventually(still.sent, [["one"], ["two"]])
    still.expect("two")
    assert "sessionvision_queue" not in still.storage()


def test_a_server_that_says_nothing_for_a_minute_is_asked_again_with_the_same_body(still: Visitor) -> None:
    still.plan("silent")
    capture(still, "one", "two")
    still.run("sessionvision.flush()")
    still.eventually(lambda: len(still.bodies()), 1)
    still.later(59)
    assert still.run("localStorage.sessionvision_queue") in (None, "")
    still.later(1)
    still.page.wait_for_function("() => localStorage.sessionvision_queue")
    still.later(1)
    still.eventually(lambda: len(still.bodies()), 2)
    assert len(set(still.bodies())) == 1
    still.expect("one", "two")


def test_after_four_tries_it_waits_a_minute(still: Visitor) -> None:
    still.plan("down", 500, "down", 500)
    capture(still, "one")
    still.run("sessionvision.flush()")
    for tries, wait in ((1, 1), (2, 2), (3, 4)):
        still.eventually(lambda: (still.later(wait), len(still.bodies()))[1] > tries, True)  # noqa: B023 - called at once
    capture(still, "two")
    still.eventually(lambda: len(still.bodies()), 4)
    still.eventually(lambda: still.storage().get("sessionvision_queue", "").count("eventId"), 2)
    still.eventually(lambda: (still.later(10), len(still.bodies()))[1], 5)
    still.expect("one", "two")


def test_what_a_page_could_not_send_goes_with_the_next_one(visitor: Visitor) -> None:
    visitor.plan(*["down"] * 50)
    visitor.open()
    visitor.run("sessionvision.capture('one')")
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    visitor.run("sessionvision.capture('two')")
    visitor.page.wait_for_function("() => localStorage.sessionvision_queue")
    visitor.plan()
    visitor.page.reload()
    names = ["$pageview", "one", "$click", "$pageleave", "$pageview", "two", "$pageleave", "$pageview"]
    visitor.eventually(lambda: (visitor.run("sessionvision.flush()"), [event["event"] for event in visitor.stored()])[1], names)
    visitor.eventually(lambda: visitor.storage().get("sessionvision_queue"), None)


def test_what_happens_offline_is_sent_when_the_browser_is_back(visitor: Visitor) -> None:
    visitor.site.options = "{autocapture: false}"
    visitor.open()
    visitor.context.set_offline(offline=True)
    capture(visitor, "one", "two")
    visitor.run("sessionvision.flush()")
    visitor.hide()
    assert visitor.sent() == []
    assert visitor.storage()["sessionvision_queue"].count("eventId") == 2
    visitor.context.set_offline(offline=False)
    visitor.expect("one", "two")
    visitor.eventually(lambda: visitor.storage().get("sessionvision_queue"), None)


def test_a_tab_that_is_left_sends_at_once_what_waits(still: Visitor) -> None:
    capture(still, *[f"e{index:02}" for index in range(3)])
    still.hide()
    still.expect("e00", "e01", "e02")
    assert len(still.sent()) == 1


def test_a_page_that_goes_leaves_no_more_behind_than_browsers_allow_and_keeps_the_rest(visitor: Visitor) -> None:
    visitor.site.options = "{autocapture: false}"
    visitor.open()
    visitor.run(
        "for (let i = 0; i < 9; i++) sessionvision.capture('large' + i, {text: 'ä'.repeat(9000)});"
        "for (let i = 0; i < 3; i++) sessionvision.capture('small' + i)"
    )
    visitor.page.goto("about:blank")
    visitor.open("/products.html")
    names = sorted([f"large{index}" for index in range(9)] + [f"small{index}" for index in range(3)])
    visitor.eventually(lambda: sorted(event["event"] for event in visitor.stored()), names)


def test_a_fault_in_what_is_captured_costs_nothing_else(still: Visitor) -> None:
    still.run("const ring = {}; ring.ring = ring; sessionvision.capture('ring', ring)")
    still.run(
        "sessionvision.capture('', {}); sessionvision.capture('x'.repeat(201)); sessionvision.capture(); sessionvision.identify('')"
    )
    still.run(
        "sessionvision.capture('words', 'no properties'); sessionvision.capture('list', [1]); sessionvision.capture('null', null)"
    )
    still.later(5)
    found = still.expect("words", "list", "null")
    assert all("0" not in event["properties"] for event in found)


def test_a_thousand_events_wait_and_the_oldest_make_way(still: Visitor) -> None:
    still.context.set_offline(offline=True)
    still.run("for (let i = 0; i < 1010; i++) sessionvision.capture('e' + String(i).padStart(4, '0'))")
    kept = json.loads(still.storage()["sessionvision_queue"])
    (events,) = kept.values()
    assert sum(map(len, events)) <= 200_000
    assert json.loads(events[-1])["event"] == "e1009"
    still.context.set_offline(offline=False)
    still.eventually(lambda: len(still.stored()), 1000)
    assert still.stored()[0]["event"] == "e0010"


def test_what_waits_is_its_own_projects_also_where_a_page_of_another_one_comes_next(visitor: Visitor) -> None:
    other = visitor.api.http.post("/api/v1/projects", json={"name": "Other"}).json()
    visitor.site.options = "{autocapture: false}"
    visitor.plan(*["down"] * 50)
    visitor.open()
    capture(visitor, "one")
    visitor.run("sessionvision.flush()")
    visitor.page.wait_for_function("() => localStorage.sessionvision_queue")
    visitor.plan()
    visitor.site.token = other["project_token"]
    visitor.open("/products.html")
    capture(visitor, "two")
    visitor.run("sessionvision.flush()")
    path = f"/api/v1/projects/{other['id']}"
    visitor.eventually(lambda: [event["event"] for event in visitor.api.http.get(f"{path}/events").json()["data"]], ["two"])
    visitor.site.token = "sv_pub_dev"
    visitor.open()
    visitor.expect("one")
    assert visitor.api.http.delete(path).status_code == 204


def test_an_event_that_is_too_large_costs_no_other(still: Visitor) -> None:
    still.run(
        "sessionvision.capture('one'); sessionvision.capture('huge', {image: 'x'.repeat(11e6)}); sessionvision.capture('two')"
    )
    still.run("sessionvision.flush()")
    still.eventually(lambda: (still.later(5), [event["event"] for event in still.stored()])[1], ["one", "two"])
