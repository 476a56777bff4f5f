"""Who somebody is and in which session: what is kept, under which keys, and when it changes."""

import json
import re
from typing import Any

import pytest

from tests.browser.client.client_rig import Visitor

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
HALF_HOUR = 30 * 60


def by_name(visitor: Visitor, *names: str) -> dict[str, dict[str, Any]]:
    return {event["event"]: event for event in visitor.expect(*names)}


def capture(visitor: Visitor, name: str) -> None:
    """One event, sent at once."""
    visitor.run(f"sessionvision.capture('{name}'); sessionvision.flush()")


def quiet(visitor: Visitor) -> Visitor:
    visitor.site.options = "{autocapture: false}"
    return visitor


def test_the_keys_and_what_is_under_them_are_those_that_are_documented(visitor: Visitor) -> None:
    visitor.open()
    visitor.run(
        "sessionvision.register({plan: 'pro'}); sessionvision.registerOnce({first: 1}); sessionvision.identify('bob');"
        "sessionvision.flush()"
    )
    visitor.expect("$pageview", "$identify")
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    kept = visitor.storage()
    names = ["anonymous_id", "config", "registered", "registered_once", "session", "user_id"]
    assert sorted(kept) == [f"sessionvision_{name}" for name in names]
    assert UUID4.fullmatch(kept["sessionvision_anonymous_id"])
    assert kept["sessionvision_user_id"] == "bob"
    assert json.loads(kept["sessionvision_registered"]) == {"plan": "pro"}
    assert json.loads(kept["sessionvision_registered_once"]) == {"first": 1}
    assert UUID4.fullmatch(json.loads(kept["sessionvision_session"])["id"])
    assert json.loads(kept["sessionvision_config"])["config"]["autocapture"] is True
    assert visitor.run("document.cookie") == ""


def test_events_carry_both_ids_from_identify_on_and_neither_of_the_old_ones_after_reset(visitor: Visitor) -> None:
    quiet(visitor).open()
    visitor.run("sessionvision.register({plan: 'pro'})")
    capture(visitor, "before")
    visitor.run("sessionvision.identify('bob', {email: 'bob@example.com'})")
    capture(visitor, "after")
    assert visitor.run("sessionvision.getDistinctId()") == "bob"
    visitor.run("sessionvision.reset()")
    capture(visitor, "anew")
    found = by_name(visitor, "before", "$identify", "after", "anew")
    assert [found[name]["user_id"] for name in ("before", "$identify", "after", "anew")] == [None, "bob", "bob", None]
    anonymous = [found[name]["anonymous_id"] for name in ("before", "$identify", "after")]
    assert len(set(anonymous)) == 1 and found["anew"]["anonymous_id"] not in anonymous
    assert found["anew"]["session_id"] != found["after"]["session_id"]
    assert found["$identify"]["properties"].items() >= {"email": "bob@example.com"}.items()
    assert "$current_url" not in found["$identify"]["properties"], "traits alone: they are kept with the person"
    assert (found["after"]["properties"]["plan"], "plan" in found["anew"]["properties"]) == ("pro", False)
    assert visitor.run("sessionvision.getDistinctId()") == found["anew"]["anonymous_id"]


def test_what_is_registered_comes_with_every_event_also_on_the_next_page(visitor: Visitor) -> None:
    quiet(visitor).open()
    visitor.run("sessionvision.register({plan: 'free', own: 1}); sessionvision.registerOnce({source: 'ad'})")
    visitor.open("/products.html")
    visitor.run("sessionvision.register({plan: 'pro'}); sessionvision.registerOnce({source: 'mail', medium: 'post'})")
    visitor.run("sessionvision.capture('one', {own: 2}); sessionvision.flush()")
    (one,) = visitor.expect("one")
    properties = {name: one["properties"].get(name) for name in ("plan", "own", "source", "medium")}
    assert properties == {"plan": "pro", "own": 2, "source": "ad", "medium": "post"}


def test_a_session_ends_after_half_an_hour_without_events(visitor: Visitor) -> None:
    visitor.still()
    quiet(visitor).open()
    capture(visitor, "one")
    visitor.expect("one")  # sent before the clock goes on, by which a page also tells that a server doesn't answer
    visitor.later(HALF_HOUR)
    capture(visitor, "two")
    visitor.expect("one", "two")
    visitor.later(HALF_HOUR + 1)
    capture(visitor, "three")
    found = by_name(visitor, "one", "two", "three")
    assert found["one"]["session_id"] == found["two"]["session_id"] != found["three"]["session_id"]
    assert found["one"]["anonymous_id"] == found["three"]["anonymous_id"]


def test_a_session_ends_after_a_day_however_busy(visitor: Visitor) -> None:
    visitor.still()
    quiet(visitor).open()
    visitor.run("window.first = sessionvision.getSessionId()")
    for _ in range(50):
        visitor.context.clock.fast_forward("29:00")  # timers that are due fire once: a day second by second is slow
        visitor.run("sessionvision.capture('busy')")
    assert visitor.run("window.first !== sessionvision.getSessionId()")
    kept = json.loads(visitor.storage()["sessionvision_session"])
    day = 24 * 3600 * 1000
    assert 0 <= kept["lastAt"] - kept["startedAt"] < day / 24


def test_a_session_goes_on_in_another_tab_and_keeps_where_it_came_from(visitor: Visitor) -> None:
    quiet(visitor).open("/?utm_source=news&utm_source=second&utm_term=&utm_id=7")
    capture(visitor, "one")
    visitor.page = visitor.context.new_page()
    visitor.open("/products.html")
    capture(visitor, "two")
    found = by_name(visitor, "one", "two")
    assert found["one"]["session_id"] == found["two"]["session_id"]
    for event in found.values():
        assert {name: value for name, value in event["properties"].items() if name.startswith("utm_")} == {"utm_source": "news"}


def test_a_referrer_is_another_site_and_stays_with_the_session(visitor: Visitor) -> None:
    quiet(visitor)
    elsewhere = visitor.site.url.replace("127.0.0.1", "localhost")
    visitor.page.goto(elsewhere + "/blank.html")
    visitor.page.click("a")
    visitor.page.wait_for_url(visitor.site.url + "/")
    capture(visitor, "one")
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    capture(visitor, "two")
    found = by_name(visitor, "one", "two")
    assert {event["properties"]["$referrer"] for event in found.values()} == {elsewhere + "/"}
    assert {event["properties"]["$referring_domain"] for event in found.values()} == {"localhost"}


def test_who_comes_back_from_another_site_within_a_session_still_came_from_where_it_began(visitor: Visitor) -> None:
    quiet(visitor).open("/?utm_source=news")
    capture(visitor, "one")
    visitor.page.goto(visitor.site.url.replace("127.0.0.1", "localhost") + "/blank.html")
    visitor.page.click("a")
    visitor.page.wait_for_url(visitor.site.url + "/")
    capture(visitor, "paid")
    one, paid = visitor.expect("one", "paid")
    assert one["session_id"] == paid["session_id"]
    assert (paid["properties"].get("utm_source"), paid["properties"].get("$referrer")) == ("news", None)


def test_a_clock_that_is_put_back_ends_the_session(visitor: Visitor) -> None:
    quiet(visitor).open()
    capture(visitor, "one")
    visitor.run(
        "(year) => { const kept = JSON.parse(localStorage.sessionvision_session);"
        "Object.assign(kept, {startedAt: kept.startedAt + year, lastAt: kept.lastAt + year});"
        "localStorage.sessionvision_session = JSON.stringify(kept) }",
        365 * 24 * 3600 * 1000,
    )
    capture(visitor, "two")
    capture(visitor, "three")
    found = by_name(visitor, "one", "two", "three")
    assert found["one"]["session_id"] != found["two"]["session_id"] == found["three"]["session_id"]


def test_the_configuration_is_asked_for_once_an_hour(visitor: Visitor) -> None:
    def asked() -> int:
        return sum("/ingest/config" in request.url for request in visitor.asked)

    visitor.still()
    quiet(visitor).open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.open("/products.html")
    visitor.later(3500)
    visitor.open()
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    visitor.expect("one")
    assert asked() == 1
    visitor.later(200)
    visitor.open("/products.html")
    visitor.eventually(asked, 2)


def test_without_storage_a_page_is_remembered_and_no_more(visitor: Visitor) -> None:
    quiet(visitor).site.policy += "; sandbox allow-scripts"
    visitor.open()
    assert visitor.run("(() => { try { return localStorage.length } catch (error) { return error.name } })()") == "SecurityError"
    visitor.run("sessionvision.register({plan: 'pro'})")
    capture(visitor, "one")
    capture(visitor, "two")
    visitor.open()
    capture(visitor, "three")
    found = by_name(visitor, "one", "two", "three")
    assert found["one"]["anonymous_id"] == found["two"]["anonymous_id"] != found["three"]["anonymous_id"]
    assert found["one"]["session_id"] == found["two"]["session_id"]
    assert (found["two"]["properties"]["plan"], "plan" in found["three"]["properties"]) == ("pro", False)


def test_a_full_storage_costs_no_event(visitor: Visitor) -> None:
    visitor.context.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
    quiet(visitor).open()
    capture(visitor, "one")
    capture(visitor, "two")
    found = by_name(visitor, "one", "two")
    assert found["one"]["session_id"] == found["two"]["session_id"]


def test_spoilt_storage_costs_no_event(visitor: Visitor) -> None:
    names = ("session", "registered", "registered_once", "config", "queue")
    for spoilt in ("{", "null", '"text"', '{"id": 7}', '{"a": [1, null, "{"]}'):
        quiet(visitor).page.goto(visitor.site.url + "/blank.html")
        visitor.run(
            "([names, text]) => names.forEach((name) => localStorage.setItem('sessionvision_' + name, text))", [names, spoilt]
        )
        visitor.open()
        capture(visitor, "one")
        visitor.eventually(lambda: len(visitor.stored()), 1)
        visitor.api.reset()


def test_calls_made_before_the_script_has_arrived_are_done_in_their_order_and_with_their_times(visitor: Visitor) -> None:
    visitor.site.options = "{autocapture: false}"
    visitor.still()
    held: list[Any] = []
    visitor.context.route("**/sv.js", lambda route: held.append(route))
    visitor.page.goto(visitor.site.url + "/", wait_until="commit")
    visitor.page.wait_for_function("() => window.sessionvision?.capture")
    visitor.run("sessionvision.capture('one')")
    visitor.later(3)
    visitor.run("sessionvision.identify('bob'); sessionvision.capture('two')")
    visitor.later(4)
    visitor.eventually(lambda: len(held), 1)
    held[0].continue_()
    visitor.page.wait_for_function("() => !Array.isArray(sessionvision.q)")
    visitor.run("sessionvision.capture('three'); sessionvision.flush()")
    found = visitor.expect("one", "$identify", "two", "three")
    seconds = [int(event["timestamp"][17:19]) for event in found]
    assert [(second - seconds[0]) % 60 for second in seconds] == [0, 3, 3, 7]
    assert [event["user_id"] for event in found] == [None, "bob", "bob", "bob"]


def test_one_script_with_a_token_is_enough(visitor: Visitor) -> None:
    visitor.site.head = f'<script async src="{visitor.site.server}/sv.js" data-token="{visitor.site.token}"></script>'
    visitor.page.goto(visitor.site.url + "/")
    visitor.page.wait_for_function("() => window.sessionvision")
    visitor.page.click("#buy")
    visitor.run("sessionvision.flush()")
    visitor.expect("$pageview", "$click")


@pytest.mark.parametrize("way", ["snippet", "token"])
def test_elements_of_a_page_that_are_called_as_what_is_asked_for_are_in_nobodys_way(visitor: Visitor, way: str) -> None:
    script = (
        "src='/start.js'" if way == "snippet" else f"async src='{visitor.site.server}/sv.js' data-token='{visitor.site.token}'"
    )
    visitor.site.head = f"<p id='sessionvision'>Our visitors</p><form name='title'></form><script {script}></script>"
    visitor.page.goto(visitor.site.url + "/")
    visitor.page.wait_for_function("() => typeof sessionvision.q?.length === 'undefined' && sessionvision.flush")
    visitor.page.click("#buy")
    visitor.run("sessionvision.flush()")
    visitor.expect("$pageview", "$click")


def test_the_script_twice_in_a_page_captures_once(visitor: Visitor) -> None:
    tag = f'<script src="{visitor.site.server}/sv.js" data-token="{visitor.site.token}"></script>'
    visitor.site.head = tag + tag
    visitor.open()
    visitor.page.click("#buy")
    visitor.run("sessionvision.flush()")
    visitor.page.goto("about:blank")
    visitor.expect("$pageview", "$click", "$pageleave")


def test_init_twice_or_without_a_token_changes_nothing(visitor: Visitor) -> None:
    quiet(visitor).open()
    visitor.run(
        "sessionvision.init('sv_pub_other', {ingestHost: 'https://example.com'}); sessionvision.init(); sessionvision.init(7)"
    )
    capture(visitor, "one")
    visitor.expect("one")
