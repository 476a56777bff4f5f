"""What is captured by itself: of clicks, forms and pages that change without loading, as smart events read it."""

from typing import Any

import pytest

from tests.browser.client.client_rig import Site, Visitor, path_of


def events(visitor: Visitor, name: str, count: int) -> list[dict[str, Any]]:
    """As many events of that name, and no more, among what was done so far."""

    def number(of: str) -> int:
        visitor.run("sessionvision.flush()")
        return sum(event["event"] == of for event in visitor.stored())

    visitor.eventually(lambda: number(name), count)
    visitor.run("sessionvision.capture('end')")
    visitor.eventually(lambda: number("end") > 0, True)
    found = [event for event in visitor.stored() if event["event"] == name]
    assert len(found) == count, [event["event"] for event in visitor.stored()]
    return found


def chain(event: dict[str, Any]) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = event["properties"]["$elements"]
    return elements


def matching(visitor: Visitor, **rule: Any) -> int:
    """How many events the server finds by a smart event's rule."""
    made = visitor.api.http.post(visitor.api.path("action_definitions"), json={"name": str(rule), "rules": [rule]})
    assert made.status_code == 201, made.text
    answer = visitor.api.http.post(visitor.api.path(f"action_definitions/{made.json()['id']}/preview"))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["count"])


def test_a_click_comes_with_the_elements_around_it_and_the_server_finds_it_by_selector_and_text(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.click("#buy span")
    (click,) = events(visitor, "$click", 1)
    inner, outer = chain(click)[:2], chain(click)[2:]
    assert inner == [
        {"tag": "span", "nth_child": 1, "nth_of_type": 1, "text": "Buy now"},
        {"tag": "button", "nth_child": 2, "nth_of_type": 1, "id": "buy", "classes": ["btn", "primary"], "text": "Buy now"},
    ]
    assert [(element["tag"], element["nth_child"]) for element in outer] == [("main", 2), ("body", 2), ("html", 1)]
    assert outer[-1]["attributes"] == {"lang": "en"}
    assert matching(visitor, event="$click", selector="main > button#buy.primary", text="Buy now") == 1
    assert matching(visitor, event="$click", selector="nav button") == 0


def test_a_click_on_what_does_nothing_is_not_captured(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.click("#plain")
    events(visitor, "$click", 0)


def test_clicks_again_and_again_at_one_place_are_one_rage_click(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.click("#plain", click_count=4, delay=1)
    visitor.page.click("#buy", click_count=2, delay=1)
    (rage,) = events(visitor, "$rageclick", 1)
    assert chain(rage)[0]["id"] == "plain"


def test_a_form_that_is_sent_is_captured_without_what_was_typed(visitor: Visitor) -> None:
    visitor.open("/contact.html")
    visitor.page.fill("#message", "my secret story")
    visitor.page.fill("#secret", "hunter3")
    visitor.page.fill("#open", "shown nowhere either")
    visitor.page.click("#rich")
    visitor.page.keyboard.type("rich secret")
    visitor.page.press("#email", "Enter")
    (submit,) = events(visitor, "$submit", 1)
    assert chain(submit)[0]["attributes"] == {"action": "/contact.html", "method": "get"}
    sent = "".join(visitor.bodies())
    typed = ("secret story", "hunter", "shown nowhere", "rich secret", "typed here", "Dear shop", "Ann's order", "bob@")
    assert [text for text in typed if text in sent] == []


def test_pages_that_change_without_loading_are_seen_and_left(visitor: Visitor, site: Site) -> None:
    visitor.open("/products.html")
    visitor.run("history.pushState({}, '', '/products/a')")
    visitor.run("history.pushState({}, '', '/products/a')")  # the same again is no other page
    visitor.run("history.replaceState({}, '', '/products/a?sort=up')")  # nor are filters that are kept in the address
    visitor.run("history.replaceState({}, '', '/products/b')")
    visitor.run("location.hash = 'reviews'")
    visitor.page.go_back()
    visitor.page.wait_for_url("**/products/b")
    views = [path_of(site, event) for event in events(visitor, "$pageview", 5)]
    assert views == ["/products.html", "/products/a", "/products/b", "/products/b#reviews", "/products/b"]
    left = events(visitor, "$pageleave", 4)
    assert [path_of(site, event) for event in left] == ["/products.html", "/products/a", "/products/b", "/products/b#reviews"]
    assert {type(event["properties"]["$duration"]) for event in left} == {int}


def test_the_time_on_a_page_is_measured(visitor: Visitor) -> None:
    visitor.still()
    visitor.open("/products.html")
    visitor.later(42)
    visitor.run("history.pushState({}, '', '/products/a')")
    (left,) = events(visitor, "$pageleave", 1)
    assert left["properties"]["$duration"] == 42


def test_a_page_that_is_left_when_its_session_is_over_begins_no_other(visitor: Visitor) -> None:
    visitor.still()
    visitor.open("/products.html")
    visitor.later(40 * 60)
    visitor.run("history.pushState({}, '', '/products/a')")
    visitor.later(41 * 60)
    visitor.page.goto("about:blank")
    first, second = visitor.expect("$pageview", "$pageview")
    assert first["session_id"] != second["session_id"]


def test_a_page_that_comes_back_from_the_browsers_memory_is_seen_again(visitor: Visitor) -> None:
    visitor.open()
    visitor.run("dispatchEvent(new Event('pagehide')); dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    names = ["$pageview", "$pageleave", "$pageview", "end"]
    events(visitor, "$pageview", 2)
    assert [event["event"] for event in visitor.stored()] == names


@pytest.mark.parametrize("where", ["init", "project"])
def test_autocapture_can_be_switched_off(visitor: Visitor, where: str) -> None:
    if where == "init":
        visitor.site.options = "{autocapture: false}"
    else:
        visitor.api.http.patch("/api/v1/projects/dev", json={"settings": {"autocapture": False}})
    visitor.open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.page.click("#buy")
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    visitor.expect("one")


def test_what_init_says_counts_more_than_the_project(visitor: Visitor) -> None:
    visitor.api.http.patch("/api/v1/projects/dev", json={"settings": {"autocapture": False}})
    visitor.site.options = "{autocapture: true}"
    visitor.open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.page.click("#buy")
    events(visitor, "$click", 1)


def test_a_click_within_a_shadow_tree_has_the_elements_of_both_trees(visitor: Visitor) -> None:
    visitor.open()
    visitor.run(
        "const root = document.getElementById('plain').attachShadow({mode: 'open'});"
        "root.innerHTML = '<button id=inner>Inside</button>'"
    )
    visitor.page.click("#inner")
    (click,) = events(visitor, "$click", 1)
    assert [element.get("id", element["tag"]) for element in chain(click)] == ["inner", "plain", "main", "body", "html"]


def test_a_form_within_shadow_trees_that_is_sent_is_a_submit_however_it_is_sent(visitor: Visitor) -> None:
    visitor.open()
    visitor.run(
        "const outer = document.getElementById('plain').attachShadow({mode: 'open'});"
        "outer.innerHTML = '<div id=host></div>';"
        "window.inner = outer.getElementById('host').attachShadow({mode: 'open'});"
        "inner.innerHTML = '<form id=letter><input id=typed><button id=send>Send</button></form><form id=short><input id=one></form>';"
        "inner.addEventListener('submit', (event) => event.preventDefault())"
    )
    visitor.page.click("#send")
    visitor.page.press("#typed", "Enter")
    visitor.page.press("#one", "Enter")  # no button is clicked for it
    visitor.run(
        "inner.getElementById('short').dispatchEvent(new Event('submit', {bubbles: true, composed: true}))"
    )  # heard of outside
    submits = events(visitor, "$submit", 4)
    assert sorted([element.get("id", element["tag"]) for element in chain(submit)[:2]] for submit in submits) == [
        ["letter", "host"],
        ["letter", "host"],
        ["plain", "main"],
        ["short", "host"],
    ]


def test_a_monstrous_element_is_cut_to_what_an_event_may_have(visitor: Visitor) -> None:
    visitor.open()
    visitor.run(
        "let at = document.body;"
        "for (let i = 0; i < 300; i++) {"
        "  at = at.appendChild(document.createElement('div'));"
        "  for (let k = 0; k < 60; k++) { at.setAttribute('data-a' + k, 'é'.repeat(5000)); at.classList.add('c'.repeat(900) + k); }"
        "}"
        "at.textContent = 'deep '.repeat(100000);"
        "at.setAttribute('role', 'button');"
        "at.click()"
    )
    (click,) = events(visitor, "$click", 1)
    assert (len(chain(click)), chain(click)[-1]["tag"]) == (40, "div")


def test_a_page_that_spoils_what_the_client_uses_hears_nothing_of_it(visitor: Visitor) -> None:
    visitor.open()
    visitor.run("void (Element.prototype.getAttribute = () => { throw new Error('spoilt') })")
    visitor.page.click("#buy")
    visitor.run("sessionvision.capture('one'); sessionvision.flush()")
    visitor.expect("$pageview", "one")
