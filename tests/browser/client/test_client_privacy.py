"""What visitors don't want to be known stays with them."""

from typing import Any

import pytest

from tests.browser.client.client_rig import CONFIG, Visitor

ASKS = {
    "Do Not Track": "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})",
    "Global Privacy Control": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})",
}


def texts(visitor: Visitor, *selectors: str) -> list[Any]:
    """What is said of each of these elements when it is clicked."""
    visitor.open()
    for selector in selectors:
        visitor.page.click(selector, position={"x": 3, "y": 3})  # on the element, not on what is in it
    visitor.run("sessionvision.flush()")
    visitor.eventually(lambda: len(visitor.stored()), 1 + len(selectors))
    return [event["properties"]["$elements"][0] for event in visitor.stored() if event["event"] == "$click"]


def test_addresses_and_long_numbers_in_captured_text_are_masked(visitor: Visitor) -> None:
    (card,) = texts(visitor, "#card")
    assert card["text"] == "Call *** or write to ***, pay by ***, SSN ***, for 49 euros"
    assert card["attributes"] == {"role": "button", "title": "write to ***"}


def test_what_a_page_marks_is_hidden_but_for_what_it_marks_as_shown(visitor: Visitor) -> None:
    hidden, shown, mixed = texts(visitor, "#hidden", "#shown", "#mixed")
    assert hidden == {"tag": "button", "nth_child": 4, "nth_of_type": 2, "id": "hidden"}
    assert shown["text"] == "Help"
    assert mixed["text"] == "Hello !"
    sent = "".join(visitor.bodies())
    assert [text for text in ("9000", "secret title", "Ann Smith") if text in sent] == []


@pytest.mark.parametrize("ask", ASKS)
def test_who_asks_not_to_be_tracked_is_left_alone(visitor: Visitor, ask: str) -> None:
    visitor.context.add_init_script(ASKS[ask])
    visitor.still()
    with visitor.context.expect_event("requestfinished", lambda request: CONFIG in request.url):
        visitor.open()
    visitor.page.click("#buy")
    visitor.run(
        "sessionvision.capture('one'); sessionvision.identify('bob'); sessionvision.register({a: 1}); sessionvision.flush()"
    )
    visitor.later(10)
    visitor.hide()
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    assert visitor.storage() == {}
    assert visitor.bodies() == [] and visitor.stored() == []
    assert visitor.run("[sessionvision.getDistinctId(), sessionvision.getSessionId()]") == ["", ""]


def test_a_project_may_count_them_all_the_same(visitor: Visitor) -> None:
    visitor.api.http.patch("/api/v1/projects/dev", json={"settings": {"respect_do_not_track": False}})
    visitor.context.add_init_script(ASKS["Do Not Track"])
    visitor.open()
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    visitor.eventually(
        lambda: (visitor.run("sessionvision.flush()"), sorted(e["event"] for e in visitor.stored()))[1], ["$pageview", "one"]
    )


def test_a_page_may_respect_it_where_its_project_does_not(visitor: Visitor) -> None:
    visitor.api.http.patch("/api/v1/projects/dev", json={"settings": {"respect_do_not_track": False}})
    visitor.site.options = "{respectDoNotTrack: true}"
    visitor.context.add_init_script(ASKS["Do Not Track"])
    visitor.open()
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    assert visitor.storage() == {}
    assert visitor.asked[1:] == [], "the script itself, and nothing else"


def test_opting_out_forgets_everything_and_holds_on_later_pages_until_opting_in(visitor: Visitor) -> None:
    visitor.open()
    visitor.run("sessionvision.identify('bob'); sessionvision.flush()")
    visitor.expect("$pageview", "$identify")
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.run("sessionvision.capture('waits'); sessionvision.optOut(); sessionvision.capture('one'); sessionvision.flush()")
    assert visitor.run("sessionvision.hasOptedOut()") is True
    assert [key for key in visitor.storage() if key != "sessionvision_config"] == ["sessionvision_opt_out"]
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    visitor.page.wait_for_function("() => !Array.isArray(sessionvision.q)")
    visitor.run("sessionvision.capture('two'); sessionvision.optIn(); sessionvision.capture('three'); sessionvision.flush()")
    visitor.eventually(
        lambda: (visitor.run("sessionvision.flush()"), sorted(event["event"] for event in visitor.stored()))[1],
        ["$identify", "$pageview", "$pageview", "three"],
    )
    assert visitor.run("[sessionvision.hasOptedOut(), sessionvision.getDistinctId() !== 'bob']") == [False, True]


def test_opting_out_gives_up_what_could_not_be_sent_so_far(visitor: Visitor) -> None:
    visitor.site.options = "{autocapture: false}"
    visitor.still()
    visitor.open()
    visitor.plan(503, 503)
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    visitor.page.wait_for_function("() => localStorage.sessionvision_queue")
    visitor.run("sessionvision.optOut()")
    assert [key for key in visitor.storage() if key != "sessionvision_config"] == ["sessionvision_opt_out"]
    visitor.later(120)
    visitor.run("sessionvision.optIn(); sessionvision.capture('two'); sessionvision.flush()")
    visitor.eventually(lambda: visitor.later(1) or visitor.sent(), [["one"], ["two"], ["two"]])
    visitor.expect("two")


def test_opting_out_in_one_tab_holds_in_those_that_are_open(visitor: Visitor) -> None:
    visitor.open()
    visitor.run("sessionvision.flush()")
    visitor.expect("$pageview")
    other = visitor.page
    other.evaluate("sessionvision.capture('waits')")
    visitor.page = visitor.context.new_page()
    visitor.site.options = "{autocapture: false}"
    visitor.open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.run("sessionvision.optOut()")
    other.click("#buy")
    other.evaluate("sessionvision.capture('one'); sessionvision.flush()")
    assert other.evaluate("sessionvision.getDistinctId()") == ""
    other.close()
    assert [key for key in visitor.storage() if key != "sessionvision_config"] == ["sessionvision_opt_out"]
    visitor.run("sessionvision.optIn(); sessionvision.capture('two'); sessionvision.flush()")
    visitor.expect("$pageview", "two")


def test_a_page_that_is_left_at_once_was_seen_all_the_same(visitor: Visitor) -> None:
    visitor.site.options = "{optOut: true}"
    visitor.open()
    # No timer of a page that goes fires any more.
    visitor.run("window.setTimeout = () => 0; sessionvision.optIn(); dispatchEvent(new PageTransitionEvent('pagehide'))")
    visitor.eventually(lambda: [event["event"] for event in visitor.stored()], ["$pageview", "$pageleave"])


def test_a_page_may_wait_for_consent(visitor: Visitor) -> None:
    visitor.site.options = "{optOut: true}"
    visitor.open()
    visitor.page.click("#buy")
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    assert visitor.storage() == {} and visitor.bodies() == []
    visitor.run("sessionvision.optIn()")
    visitor.open("/products.html")
    visitor.run("sessionvision.capture('two'); sessionvision.flush()")
    visitor.eventually(
        lambda: (visitor.run("sessionvision.flush()"), [event["event"] for event in visitor.stored()])[1],
        ["$pageview", "$pageleave", "$pageview", "two"],
    )
