"""What a page gives to `init` counts, beside what autocapture, consent and Do Not Track have tests of their own for."""

import json

import pytest
from playwright.sync_api import ConsoleMessage

from tests.browser.client.client_rig import CONFIG, INGEST, Visitor
from tests.browser.client.test_client_recorder import events, pictures, session, set_up, typed


@pytest.mark.parametrize("is_debug", [True, False])
def test_debug_tells_the_console_what_is_done(visitor: Visitor, is_debug: bool) -> None:
    told: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        told.append(message.text)

    visitor.page.on("console", hear)
    visitor.site.options = json.dumps({"debug": is_debug})
    visitor.open()
    visitor.run("sessionvision.optOut()")
    visitor.page.reload()
    visitor.page.wait_for_load_state("networkidle")
    assert [line for line in told if not line.startswith("[sessionvision] ")] == []
    assert any("nothing is captured: opted out" in line for line in told) == is_debug


def test_the_configuration_is_asked_of_the_apis_host_and_events_go_to_the_ingest_host(visitor: Visitor) -> None:
    elsewhere = visitor.site.server.replace("127.0.0.1", "localhost")
    visitor.site.policy = visitor.site.policy.replace("connect-src", f"connect-src {elsewhere}")
    visitor.site.options = json.dumps({"apiHost": f"{elsewhere}/"})
    asked: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url))
    visitor.open()
    visitor.run("sessionvision.flush()")
    visitor.expect("$pageview")
    visitor.page.wait_for_function("() => localStorage.sessionvision_config")
    assert {url.partition("?")[0] for url in asked if CONFIG in url} == {elsewhere + CONFIG}
    assert {url for url in asked if INGEST in url} == {visitor.site.server + INGEST}


@pytest.mark.parametrize("shown", ["inputs", "text"])
def test_what_init_says_of_masking_counts_more_than_the_project(visitor: Visitor, shown: str) -> None:
    """The project says the opposite of both."""
    are_inputs_hidden = shown == "text"
    set_up(visitor, recording_sample_rate=1, mask_all_inputs=not are_inputs_hidden, mask_all_text=are_inputs_hidden)
    visitor.site.options = json.dumps({"maskAllInputs": are_inputs_hidden, "maskAllText": not are_inputs_hidden})
    visitor.open("/contact.html")
    session_id = session(visitor)
    visitor.eventually(lambda: pictures(visitor, session_id), 1)
    visitor.page.fill("#message", "a story")
    visitor.page.fill("#secret", "hunter3")
    visitor.hide()
    visitor.eventually(lambda: ("*" * len("a story") if are_inputs_hidden else "a story") in typed(visitor, session_id), True)
    whole = json.dumps(events(visitor, session_id))
    seen = [text for text in ("Ann's order", "a story", "hunter") if text in whole]
    assert seen == (["Ann's order"] if shown == "text" else ["a story"])
