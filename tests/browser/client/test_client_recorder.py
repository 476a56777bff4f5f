"""Recordings: which sessions have one, what is in it, and what isn't."""

import json
from typing import Any

import pytest

from tests.browser.client.client_rig import CORS, Visitor

FULL, INCREMENTAL, META = 2, 3, 4
INPUT = 5


@pytest.fixture
def recorded(visitor: Visitor) -> Visitor:
    """A visitor of a project that records everybody."""
    set_up(visitor, recording_sample_rate=1)
    return visitor


def set_up(visitor: Visitor, **settings: Any) -> None:
    answer = visitor.api.http.patch("/api/v1/projects/dev", json={"settings": settings})
    assert answer.status_code == 200, answer.text


def session(visitor: Visitor) -> str:
    found: str = visitor.run("sessionvision.getSessionId()")
    return found


def chunks(visitor: Visitor, session_id: str) -> list[list[dict[str, Any]]]:
    """What the server has of the session, in order, after the page has handed over what it has."""
    if not visitor.page.is_closed():
        visitor.run("sessionvision.flush?.()")
    answer = visitor.api.http.get(visitor.api.path(f"sessions/{session_id}/recording"))
    if answer.status_code == 404:
        return []
    return [json.loads(visitor.api.http.get(chunk["url"]).content) for chunk in answer.json()["chunks"]]


def events(visitor: Visitor, session_id: str) -> list[dict[str, Any]]:
    return [event for chunk in chunks(visitor, session_id) for event in chunk]


def pictures(visitor: Visitor, session_id: str) -> int:
    return sum(event["type"] == FULL for event in events(visitor, session_id))


def typed(visitor: Visitor, session_id: str) -> list[str]:
    """Each text that was typed, as it was recorded."""
    return [event["data"]["text"] for event in events(visitor, session_id) if event["data"].get("source") == INPUT]


def test_a_session_is_recorded_from_a_full_picture_on_and_the_server_knows_it(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    first = events(recorded, session_id)
    assert [event["type"] for event in first if event["type"] in (META, FULL)] == [META, FULL]
    assert next(event for event in first if event["type"] == META)["data"]["href"] == recorded.site.url + "/"
    recorded.run("sessionvision.flush()")
    recorded.eventually(lambda: len(recorded.stored()), 1)
    answer = recorded.api.http.get(recorded.api.path(f"sessions/{session_id}")).json()
    assert answer["has_recording"] is True


def test_pages_of_a_session_follow_each_other_in_one_recording(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: len(chunks(recorded, session_id)), 1)
    recorded.page.click("#to-products")
    recorded.page.wait_for_url("**/products.html")
    recorded.eventually(lambda: pictures(recorded, session_id), 2)
    stamps = [event["timestamp"] for event in events(recorded, session_id)]
    assert stamps == sorted(stamps)
    recorded.page.click("text=Desk lamp")
    recorded.hide()
    recorded.eventually(lambda: pictures(recorded, session_id), 3)


def test_a_full_picture_is_taken_every_five_minutes(recorded: Visitor) -> None:
    recorded.still()
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.later(5 * 60 + 1)
    recorded.page.click("#plain")
    recorded.eventually(lambda: pictures(recorded, session_id), 2)


@pytest.mark.parametrize("rate", [0, 1])
def test_the_recorder_is_loaded_only_if_the_project_records(visitor: Visitor, rate: int) -> None:
    set_up(visitor, recording_sample_rate=rate)
    visitor.open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    visitor.page.click("#buy")
    session_id = session(visitor)
    visitor.page.reload()
    visitor.page.wait_for_load_state("networkidle")
    visitor.hide()
    asked = [request.url.removeprefix(visitor.site.server) for request in visitor.asked]
    assert ("/recorder.js" in asked) is bool(rate)
    if rate:
        visitor.eventually(lambda: pictures(visitor, session_id) >= 1, True)
    else:
        assert [url for url in asked if "recordings" in url] == []


def test_of_many_sessions_the_rates_share_is_recorded(visitor: Visitor) -> None:
    set_up(visitor, recording_sample_rate=0.5)
    visitor.open()
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    expected = loaded = 0
    for low in (True, False):
        visitor.run(
            "(digit) => { const kept = JSON.parse(localStorage.sessionvision_session);"
            "localStorage.sessionvision_session = JSON.stringify({...kept, id: digit + kept.id.slice(1)}) }",
            "7" if low else "8",
        )
        before = sum("recorder.js" in request.url for request in visitor.asked)
        visitor.page.reload()
        visitor.page.wait_for_load_state("networkidle")
        loaded += sum("recorder.js" in request.url for request in visitor.asked) - before
        expected += low
    assert loaded == expected == 1


def test_what_is_typed_is_hidden_and_a_password_even_where_it_is_marked_as_shown(recorded: Visitor) -> None:
    recorded.open("/contact.html")
    session_id = session(recorded)
    recorded.page.wait_for_load_state("networkidle")
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.page.fill("#message", "my secret story")
    recorded.page.fill("#email", "ann@example.com")
    recorded.run("document.getElementById('secret').setAttribute('data-sessionvision-unmask', '')")
    recorded.page.fill("#secret", "hunter3")
    recorded.page.fill("#open", "shown")
    recorded.page.select_option("#topic", "a")
    recorded.hide()
    recorded.eventually(lambda: "shown" in typed(recorded, session_id), True)
    assert [text for text in typed(recorded, session_id) if set(text) != {"*"}] == ["shown"]
    whole = json.dumps(events(recorded, session_id))
    assert [text for text in ("secret story", "hunter", "ann@", '"bob@example.com"', "Dear shop") if text in whole] == []


EDITED = """
    const form = document.getElementById('letter'), copy = document.createElement('input'), file = document.createElement('input');
    Object.assign(copy, {type: 'hidden', id: 'copy'});
    Object.assign(file, {type: 'file', id: 'file'});
    form.append(copy, file);
    const made = form.appendChild(document.createElement('x-field'));
    document.getElementById('message').addEventListener('input', ({ target }) => {
      copy.value = target.value;
      made.setAttribute('value', target.value);
    });
"""
"""A form that keeps what is typed into it in a hidden input and an element of its own, too, as editors and pickers do."""


def test_what_is_typed_is_hidden_in_rich_text_and_where_the_page_copies_it_to(recorded: Visitor) -> None:
    recorded.open("/contact.html")
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.run(EDITED)
    recorded.page.fill("#message", "my secret story")
    recorded.page.set_input_files("#file", {"name": "ann-diagnosis.pdf", "mimeType": "application/pdf", "buffer": b"x"})
    recorded.page.click("#rich")
    recorded.page.keyboard.type("rich secret")
    recorded.page.fill("#open", "shown")
    recorded.hide()
    recorded.eventually(lambda: "shown" in typed(recorded, session_id), True)
    whole = json.dumps(events(recorded, session_id))
    assert [text for text in ("secret story", "diagnosis", "rich s", "typed here") if text in whole] == []


def test_rich_text_and_copies_are_shown_where_the_project_shows_what_is_typed(visitor: Visitor) -> None:
    set_up(visitor, recording_sample_rate=1, mask_all_inputs=False)
    visitor.open("/contact.html")
    session_id = session(visitor)
    visitor.eventually(lambda: pictures(visitor, session_id), 1)
    visitor.run(EDITED)
    visitor.page.fill("#message", "a story for all")
    visitor.page.fill("#rich", "rich text for all")
    visitor.hide()
    visitor.eventually(lambda: typed(visitor, session_id).count("a story for all"), 2)
    assert "rich text for all" in json.dumps(events(visitor, session_id))


def test_what_a_page_marks_as_hidden_is_so_in_a_shadow_tree_too(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.run(
        "const host = document.body.appendChild(document.createElement('div'));"
        "host.setAttribute('data-sessionvision-mask', '');"
        "window.inner = host.attachShadow({mode: 'open'});"
        "inner.innerHTML = '<button>Balance 7000</button><b data-sessionvision-unmask>Total</b>'"
    )
    recorded.eventually(lambda: "Total" in json.dumps(events(recorded, session_id)), True)
    recorded.run("inner.firstChild.firstChild.data = 'Balance 8000'; inner.lastChild.firstChild.data = 'In total'")
    recorded.eventually(lambda: "In total" in json.dumps(events(recorded, session_id)), True)
    recorded.hide()
    recorded.run("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    recorded.eventually(lambda: pictures(recorded, session_id), 2)
    recorded.page.click("button >> text=Balance 8000")
    recorded.run("sessionvision.flush()")
    recorded.eventually(lambda: [event["event"] for event in recorded.stored()], ["$pageview", "$click"])
    assert "Balance" not in json.dumps(events(recorded, session_id)) + "".join(recorded.bodies()).replace("Balance 9000", "")


MARKED = """
    document.body.insertAdjacentHTML('beforeend', `<div data-sessionvision-mask title="Title 7001" data-sum="7002">
      <a href="/7003" aria-label="Label 7004">x</a><i data-sessionvision-unmask title="Title 8001">y</i>
      <iframe srcdoc="<b title='Title 7005'>Text 7006</b>"></iframe></div><p title="Title 8002" data-sum="8003">z</p>`);
    new Promise((done) => document.querySelector("iframe").addEventListener("load", done));
"""
CHANGED = "for (const each of document.querySelectorAll('[title]')) each.title = each.title.replace('00', '09')"


@pytest.mark.parametrize(("mask_all_text", "seen"), [(False, ["8001", "8002", "8091", "8092"]), (True, ["8001", "8091"])])
def test_attributes_that_say_something_are_hidden_as_text_is(visitor: Visitor, mask_all_text: bool, seen: list[str]) -> None:
    set_up(visitor, recording_sample_rate=1, mask_all_text=mask_all_text)
    visitor.site.policy = visitor.site.policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    visitor.open()
    session_id = session(visitor)
    visitor.eventually(lambda: pictures(visitor, session_id), 1)
    visitor.run(MARKED)
    visitor.run(CHANGED)
    visitor.hide()
    visitor.run("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    visitor.eventually(lambda: pictures(visitor, session_id), 2)
    whole = json.dumps(events(visitor, session_id))
    assert "8003" in whole and [text for text in ("8001", "8002", "8091", "8092") if text in whole] == seen
    assert [text for text in ("7001", "7002", "7003", "7004", "7005", "7006", "7091", "7095") if text in whole] == []


def test_a_project_may_show_what_is_typed_but_no_password(visitor: Visitor) -> None:
    set_up(visitor, recording_sample_rate=1, mask_all_inputs=False)
    visitor.open("/contact.html")
    session_id = session(visitor)
    visitor.eventually(lambda: pictures(visitor, session_id), 1)
    visitor.page.fill("#message", "a story for all")
    visitor.page.fill("#secret", "hunter3")
    visitor.run("document.getElementById('secret').type = 'text'")  # as a page that shows the password does
    visitor.page.fill("#secret", "hunter4")
    visitor.hide()
    visitor.eventually(lambda: "a story for all" in typed(visitor, session_id), True)
    assert "hunter" not in json.dumps(events(visitor, session_id))


@pytest.mark.parametrize(("mask_all_text", "seen"), [(False, ["A shop for lamps", "Help"]), (True, ["Help"])])
def test_text_is_hidden_where_the_page_marks_it_and_everywhere_if_the_project_says_so(
    visitor: Visitor, mask_all_text: bool, seen: list[str]
) -> None:
    set_up(visitor, recording_sample_rate=1, mask_all_text=mask_all_text)
    visitor.open()
    session_id = session(visitor)
    visitor.eventually(lambda: pictures(visitor, session_id), 1)
    whole = json.dumps(events(visitor, session_id))
    assert [text for text in ("A shop for lamps", "Help", "Ann Smith", "Balance") if text in whole] == seen


def test_a_hidden_tab_is_not_recorded(recorded: Visitor) -> None:
    recorded.still()
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.hide()
    recorded.run("document.getElementById('plain').textContent = 'written while nobody looked'")
    recorded.later(20)
    recorded.run(
        "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'));"
        "document.getElementById('plain').textContent = 'seen again'"
    )
    recorded.eventually(lambda: pictures(recorded, session_id), 2)
    assert "written while nobody looked" not in json.dumps(
        [event for event in events(recorded, session_id) if event["type"] == INCREMENTAL]
    )


def test_opting_out_ends_the_recording(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.page.evaluate("0")  # what the page asked for so far is told before this is answered
    before = len(recorded.asked)
    recorded.run("sessionvision.optOut()")
    recorded.page.click("#buy")
    recorded.hide()
    recorded.page.click("#to-products")
    recorded.page.wait_for_url("**/products.html")
    recorded.page.wait_for_load_state("networkidle")
    assert [request.url for request in recorded.asked[before:] if "ingest" in request.url or "objects" in request.url] == []


def test_who_opts_in_again_is_recorded_again(recorded: Visitor) -> None:
    recorded.open()
    first = session(recorded)
    recorded.eventually(lambda: pictures(recorded, first), 1)
    recorded.run("sessionvision.optOut(); sessionvision.optIn()")
    second = session(recorded)
    recorded.eventually(lambda: pictures(recorded, second), 1)
    assert second != first and pictures(recorded, first) == 1


def test_another_session_has_a_recording_of_its_own(recorded: Visitor) -> None:
    recorded.still()
    recorded.open()
    first = session(recorded)
    recorded.eventually(lambda: pictures(recorded, first), 1)
    recorded.later(40 * 60)
    recorded.page.click("#plain")
    recorded.later(1)
    second = session(recorded)
    assert second != first
    recorded.eventually(lambda: pictures(recorded, second), 1)


FILL = "(size) => { Object.assign(document.getElementById('plain'), { hidden: true, textContent: 'x'.repeat(size) }) }"


def test_a_page_too_large_for_a_chunk_is_left_alone_and_recorded_once_it_is_smaller(recorded: Visitor) -> None:
    recorded.still()
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.later(2)
    recorded.run(FILL, 11_000_000)
    recorded.run("history.pushState({}, '', '/products/large')")
    recorded.run(FILL, 6_000_000)
    recorded.later(30)
    assert pictures(recorded, session_id) == 1
    recorded.later(5 * 60)
    recorded.eventually(lambda: pictures(recorded, session_id), 2)


def test_a_server_that_takes_no_recording_is_asked_less_and_less(recorded: Visitor) -> None:
    recorded.still()
    recorded.context.route("**/api/v1/ingest/recordings", lambda route: route.fulfill(status=403, headers=CORS, body="{}"))
    recorded.open()
    recorded.eventually(lambda: recorded.run("sessionvision.flush()") or asked_to_record(recorded), 1)
    for count in (2, 3):
        recorded.eventually(lambda: recorded.later(1) or asked_to_record(recorded), count)
    recorded.page.click("#plain")
    recorded.later(3)
    assert asked_to_record(recorded) == 3
    recorded.context.unroute("**/api/v1/ingest/recordings")
    recorded.later(2)
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)


def asked_to_record(visitor: Visitor) -> int:
    return sum(request.url.endswith("/ingest/recordings") for request in visitor.asked)


def write(visitor: Visitor, text: str) -> None:
    """Have something new on the page, which is recorded by the time that this returns."""
    visitor.run("(text) => { document.getElementById('plain').textContent = text }", text)


def test_the_last_of_a_session_that_is_reset_takes_no_earlier_chunks_place(recorded: Visitor) -> None:
    recorded.open()
    first = session(recorded)
    recorded.eventually(lambda: pictures(recorded, first), 1)
    write(recorded, "the last word")
    recorded.run("sessionvision.reset()")
    recorded.eventually(lambda: "the last word" in json.dumps(events(recorded, first)), True)
    write(recorded, "after the reset")
    assert pictures(recorded, first) == 1
    assert "after the reset" not in json.dumps(events(recorded, first))


def test_what_a_page_left_over_is_its_sessions_also_where_another_one_goes_on(recorded: Visitor) -> None:
    recorded.still()
    recorded.open()
    first = session(recorded)
    recorded.eventually(lambda: pictures(recorded, first), 1)
    recorded.context.route("**/api/v1/ingest/recordings", lambda route: route.abort("connectionrefused"))
    write(recorded, "left over")
    recorded.page.goto("about:blank")
    recorded.context.unroute("**/api/v1/ingest/recordings")
    recorded.later(40 * 60)
    recorded.open()
    assert session(recorded) != first
    recorded.eventually(lambda: "left over" in json.dumps(events(recorded, first)), True)
    assert pictures(recorded, first) == 1


def test_a_link_that_is_taken_out_as_its_text_changes_loses_nothing_of_what_changed_with_it(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.run(
        "new Promise((done) => {"
        "const link = Object.assign(document.createElement('a'), { href: 'https://other.example/', textContent: 'one' });"
        "document.body.append(link);"
        "setTimeout(() => { link.firstChild.data = 'two'; link.remove(); document.body.append('what came next'); setTimeout(done) }) })"
    )
    recorded.eventually(lambda: "what came next" in json.dumps(events(recorded, session_id)), True)


def test_of_windows_that_are_seen_at_once_the_one_that_is_used_is_recorded(recorded: Visitor) -> None:
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    first, second = recorded.page, recorded.context.new_page()
    second.goto(recorded.site.url + "/contact.html")
    recorded.eventually(lambda: second.evaluate("sessionvision.flush()") or pictures(recorded, session_id), 2)
    add = "(text) => { document.body.append(text); return new Promise((done) => setTimeout(done)) }"
    first.evaluate(add, "unused one")
    second.evaluate(add, "second used")
    first.click("#plain")
    recorded.eventually(lambda: pictures(recorded, session_id), 3)
    second.evaluate(add, "unused two")
    first.evaluate(add, "first used")
    second.evaluate("sessionvision.flush()")
    recorded.eventually(lambda: "first used" in json.dumps(events(recorded, session_id)), True)
    recorded.eventually(lambda: "second used" in json.dumps(events(recorded, session_id)), True)
    played = sorted(events(recorded, session_id), key=lambda event: event["timestamp"])
    pages = [event["data"]["href"].removeprefix(recorded.site.url) for event in played if event["type"] == META]
    assert pages == ["/", "/contact.html", "/"]
    changes = json.dumps([event for event in played if event["type"] == INCREMENTAL])
    assert [text for text in ("unused one", "second used", "unused two", "first used") if text in changes] == [
        "second used",
        "first used",
    ]


def test_a_window_that_is_used_in_a_frame_of_the_same_site_is_recorded(recorded: Visitor) -> None:
    recorded.site.policy = recorded.site.policy.replace("frame-ancestors 'none'", "frame-src 'self'; frame-ancestors 'self'")
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    framed = "document.body.append(Object.assign(document.createElement('iframe'), { src: '/blank.html', name: 'inner' }))"
    recorded.run(framed)
    recorded.eventually(lambda: recorded.page.frame("inner") is not None, True)
    inner = recorded.page.frame("inner")
    assert inner is not None
    inner.wait_for_url("**/blank.html")
    inner.evaluate(framed)
    recorded.eventually(lambda: len(inner.child_frames), 1)
    (innermost,) = inner.child_frames
    innermost.wait_for_url("**/blank.html")
    second = recorded.context.new_page()
    for count, frame in ((2, inner), (4, innermost)):
        second.goto(recorded.site.url + "/contact.html")
        recorded.eventually(lambda: second.evaluate("sessionvision.flush()") or pictures(recorded, session_id), count)
        frame.click("body")
        recorded.eventually(lambda: pictures(recorded, session_id), count + 1)


def test_a_frame_of_the_same_site_is_recorded_once_with_the_page_around_it(recorded: Visitor) -> None:
    recorded.site.policy = recorded.site.policy.replace("frame-ancestors 'none'", "frame-src 'self'; frame-ancestors 'self'")
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.run(
        "document.body.append(Object.assign(document.createElement('iframe'), { src: '/products.html', name: 'inner' }))"
    )
    recorded.eventually(lambda: recorded.page.frame("inner") is not None, True)
    inner = recorded.page.frame("inner")
    assert inner is not None
    inner.wait_for_url("**/products.html")
    is_there = "performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('recorder.js'))"
    inner.wait_for_function(is_there, polling=20)
    inner.evaluate("document.body.append('from within')")
    inner.evaluate("sessionvision.flush()")
    recorded.eventually(lambda: "from within" in json.dumps(events(recorded, session_id)), True)
    assert pictures(recorded, session_id) == 1


def test_a_page_that_takes_no_address_of_a_script_as_a_text_is_recorded(recorded: Visitor) -> None:
    recorded.site.policy += "; require-trusted-types-for 'script'; trusted-types sessionvision"
    recorded.site.head = f'<script async src="{recorded.site.server}/sv.js" data-token="{recorded.site.token}"></script>'
    recorded.page.goto(recorded.site.url)
    recorded.page.wait_for_function("window.sessionvision?.getSessionId", polling=20)
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)


def test_lists_stay_lists_on_a_page_whose_library_writes_them_itself(recorded: Visitor) -> None:
    recorded.context.add_init_script(
        "Array.prototype.toJSON = function () { return `[${this.map((each) => JSON.stringify(each))}]` }"
    )
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.page.click("#buy")
    recorded.run("sessionvision.capture('bought', { plans: ['pro', [1]] }); sessionvision.flush()")
    _, clicked, bought = recorded.expect("$pageview", "$click", "bought")
    assert clicked["properties"]["$elements"][0]["tag"] == "span"
    assert bought["properties"]["plans"] == ["pro", [1]]
    (picture,) = [event for event in events(recorded, session_id) if event["type"] == FULL]
    assert isinstance(picture["data"]["node"]["childNodes"], list)
    assert recorded.run("JSON.stringify([1])") == '"[1]"', "the page's own way stays"


@pytest.mark.parametrize("autocapture", ["true", "false"])
def test_a_page_that_navigates_with_each_key_is_pictured_once_a_second(recorded: Visitor, autocapture: str) -> None:
    recorded.site.options = f"{{autocapture: {autocapture}}}"
    recorded.still()
    recorded.open()
    session_id = session(recorded)
    recorded.eventually(lambda: pictures(recorded, session_id), 1)
    recorded.run("for (const typed of ['l', 'la', 'lam', 'lamp']) history.pushState({}, '', '/search?q=' + typed)")
    recorded.later(3)
    recorded.eventually(lambda: pictures(recorded, session_id), 3)
    pages = [event["data"]["href"].partition("?")[2] for event in events(recorded, session_id) if event["type"] == META]
    assert pages[-1] == "q=lamp"
    recorded.later(2)
    recorded.run("history.pushState({}, '', '/search?q=lamps')")
    recorded.eventually(lambda: pictures(recorded, session_id), 4)
