"""What people read in a terminal about a running server: `sv tail`, `sv funnel`, `sv trends`, and the first event as it arrives."""

import json
import os
import pty
import re
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import DAY, INGEST, MINUTE, NOON, Api, Running, body_of, event, story

from tests import forked

HOSTILE = "sign\x1b[31mup\x9b2J\r\n"


def sv(api: Api, *words: str, **environment: str) -> Any:
    known = {"SV_URL": api.server.url, "SV_API_TOKEN": "sv_dev", "PATH": "", "TZ": "UTC"}
    return forked.run([sys.executable, "-m", "sv", *words, "--project", "dev"], env=known | environment, text=True)


def answered(api: Api, *words: str) -> list[str]:
    done = sv(api, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_a_funnel_is_drawn_with_what_the_api_answers(api: Api) -> None:
    api.send(*story("ann: view@0m, cart@5m, buy@10m; bob: view@0m, cart@1m; cid: view@0m; dan: view@0m"))
    dates = ("--date-from", "2025-06-15", "--date-to", "2025-06-15")
    view, cart, buy, told = answered(api, "funnel", "view > cart > buy", "--window", "1d", *dates)
    assert view.split() == ["1", "view", "█" * 40, "4", "persons", "100.0", "%"]
    assert cart.split("  ")[:2] == ["2", "cart"]
    assert ("█" * 20 in cart, "█" * 21 in cart) == (True, False)
    assert cart.endswith("2   50.0 %  50.0 % of step 1, median 3 min")
    assert buy.endswith("1   25.0 %  50.0 % of step 2, median 10 min")
    assert told.startswith("25.0 % converted within 1d, 2025-06-15T00:00 to 2025-06-16T00:00 UTC, ")
    whole = json.loads(sv(api, "funnel", "view", "cart", "--json", *dates).stdout)
    asked = api.funnel(steps=[{"event": "view"}, {"event": "cart"}], date_from="2025-06-15", date_to="2025-06-15")
    assert whole.items() >= asked.items()


def test_a_funnel_is_drawn_for_each_value_of_a_breakdown(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m", properties={"plan": "pro"}), *story("bob: view@0m", properties={"plan": "free"}))
    lines = answered(api, "funnel", "view > buy", "--breakdown", "plan", "--date-from", "2025-06-01")
    assert [line for line in lines if line.startswith(("plan", "all"))] == ['plan = "free"', 'plan = "pro"', "all"]
    only = answered(api, "funnel", "view > buy", "--where", "plan=pro", "--date-from", "2025-06-01")
    assert only[0].endswith("1 person  100.0 %")


def test_a_funnel_over_a_mistyped_name_says_what_was_meant(api: Api) -> None:
    api.send(*story("ann: view@0m, checkout@1m"))
    *_, last = answered(api, "funnel", "view > chekout", "--date-from", "2025-06-01")
    assert last == "no event chekout ever came; did you mean checkout?"


def test_a_trend_of_a_mistyped_name_says_what_was_meant(api: Api) -> None:
    api.send(*story("ann: view@0m, checkout@1m"))
    *_, last = answered(api, "trends", "view", "chekout", "--date-from", "2025-06-01")
    assert last == "no event chekout ever came; did you mean checkout?"
    *_, unlike, like = answered(api, "trends", "zzzz", "vieww", "--date-from", "2025-06-01")
    assert (unlike, like) == ("no event zzzz ever came", "no event vieww ever came; did you mean view?")


def test_a_mistyped_property_says_what_was_meant(api: Api) -> None:
    api.send(*story("ann: view@0m, buy@1m", properties={"plan": "pro", "amount": 5}))
    dates = ("--date-from", "2025-06-01")
    for flags in (("--where", "pln=pro"), ("--breakdown", "pln"), ("--where", "pln!=pro", "--where", "pln")):
        for words in (("funnel", "view > buy"), ("trends", "view")):
            lines = answered(api, *words, *flags, *dates)
            assert lines.count("no event ever had a property pln; did you mean plan?") == 1
    *_, last = answered(api, "trends", "buy", "--math", "sum", "--math-property", "amuont", *dates)
    assert last == "no event ever had a property amuont; did you mean amount?"
    right = answered(api, "trends", "buy", "--math", "sum", "--math-property", "amount", "--breakdown", "plan", *dates)
    assert not any("property" in line for line in right)


def test_a_smart_event_is_asked_for_by_its_name_where_no_event_has_it(api: Api) -> None:
    api.send(*story("ann: view@0m, clicked@5m, Taken@6m; bob: view@0m"))
    for name, event_name in (("Buy clicked", "clicked"), ("Taken", "view")):
        made = api.http.post("/api/v1/projects/dev/action_definitions", json={"name": name, "rules": [{"event": event_name}]})
        assert made.status_code == 201
    dates = ("--date-from", "2025-06-15", "--date-to", "2025-06-15")
    view, bought, told = answered(api, "funnel", "view > Buy clicked", *dates)
    assert (view.split()[1], bought.split("  ")[1], told[:6]) == ("view", "Buy clicked", "50.0 %")
    assert answered(api, "trends", "Buy clicked", *dates)[-1].startswith("Buy clicked: 1 by day")
    assert answered(api, "trends", "Taken", *dates)[-1].startswith("Taken: 1 by day"), "an event of that name is meant"
    *_, last = answered(api, "funnel", "view > Buy clickd", *dates)
    assert last == "no event Buy clickd ever came; did you mean Buy clicked or clicked?"
    *_, told = answered(api, "trends", "Buy clicked", "--date-from", "2025-06-01", "--date-to", "2025-06-02")
    assert told.startswith("Buy clicked: 0 by day"), "it is no mistyped name"


def test_where_only_bots_would_be_counted_it_is_said_how(api: Api) -> None:
    bot = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    sent = body_of(list(story("bob: view@0m, buy@1m")))
    assert api.http.post(INGEST, json=sent, headers=bot).status_code == 202
    api.send(event("other"))
    hint, dates = "bots are left out, and all of this is bots' events: --include-bots", ("--date-from", "2025-06-15")
    for words in (["funnel", "view > buy"], ["trends", "view"], ["trends", "view", "--breakdown", "$browser"]):
        assert answered(api, *words, *dates)[-1] == hint
        assert hint not in answered(api, *words, *dates, "--include-bots")
        assert hint not in answered(api, *words, "--date-from", "2025-06-01", "--date-to", "2025-06-02")
    assert len(answered(api, "tail", "--no-follow")) == 3
    assert json.loads(sv(api, "sql", "select count(*) as n from events", "--json").stdout)["rows"] == [[3]]
    assert hint not in answered(api, "trends", "view", "other", *dates)


def test_a_trend_is_a_bar_a_day_and_several_are_a_row_each(api: Api) -> None:
    api.send(
        event(),
        event(timestamp=NOON + DAY, properties={"n": 1}),
        event(timestamp=NOON + DAY, properties={"n": 2}),
        event("buy", timestamp=NOON),
    )
    dates = ("--date-from", "2025-06-15", "--date-to", "2025-06-17")
    first, second, third, told = answered(api, "trends", "view", *dates)
    assert first.split() == ["Sun", "2025-06-15", "█" * 20, "1"]
    assert second.split() == ["Mon", "2025-06-16", "█" * 40, "2"]
    assert third.split() == ["Tue", "2025-06-17", "0"]
    assert told.startswith("view: 3 by day, 2025-06-15T00:00 to 2025-06-18T00:00 UTC, ")
    view, buy, told = answered(api, "trends", "view", "buy", *dates)
    assert (view.split(), buy.split()) == (["view", "▅█", "3"], ["buy", "█", "1"])
    assert told.startswith("2 series, a column each by day, ")
    summed = answered(api, "trends", "view", "--math", "sum", "--math-property", "n", *dates)
    assert summed[-1].startswith("view sum of n: 3 by day")
    assert json.loads(sv(api, "trends", "view", "--json", *dates).stdout)["series"][0]["values"] == [1, 2, 0]


def test_tail_shows_the_newest_oldest_first_and_nothing_that_a_terminal_acts_on(api: Api) -> None:
    api.send(
        event(),
        event("buy", "bob", NOON + MINUTE, properties={"amount": 9.5, "$own": 1, "who": HOSTILE}),
        event(HOSTILE, timestamp=NOON + 2 * MINUTE),
    )
    lines = answered(api, "tail", "--no-follow", "-n", "2")
    assert lines == [
        "2025-06-15 12:01:00  buy  bob  amount=9.5  who=sign\\x1b[31mup\\x9b2J\\r\\n",
        "2025-06-15 12:02:00  sign\\x1b[31mup\\x9b2J  ann",
    ]
    assert len(answered(api, "tail", "--no-follow", "--person", "ann")) == 2
    assert len(answered(api, "tail", "--no-follow", "--where", "amount>9", "--event", "buy")) == 1
    (whole,) = answered(api, "tail", "--no-follow", "--json", "-n", "1")
    assert json.loads(whole) == api.listed()[0]
    assert whole.isprintable()


def test_tail_of_what_never_came_tells_so_and_what_was_meant(api: Api) -> None:
    api.send(event("checkout", properties={"plan": "pro"}))
    for flags, told in (
        (("--event", "chekout"), "no event chekout ever came; did you mean checkout?\n"),
        (("--event", "checkout", "--where", "pln=pro"), "no event ever had a property pln; did you mean plan?\n"),
        (("--event", "checkout", "--where", "plan=free"), ""),
        (("--event", "checkout"), ""),
    ):
        done = sv(api, "tail", "--no-follow", "--json", *flags)
        assert (done.returncode, done.stderr) == (0, told)
        assert len(done.stdout.splitlines()) == (not told and "plan=free" not in flags)


def test_tail_shows_a_smart_event_by_its_name(api: Api) -> None:
    api.send(event("clicked"), event("view"))
    made = api.http.post("/api/v1/projects/dev/action_definitions", json={"name": "Buy clicked", "rules": [{"event": "clicked"}]})
    assert made.status_code == 201
    (only,) = answered(api, "tail", "--no-follow", "--event", "Buy clicked")
    assert "  clicked  " in only


def test_tail_shows_each_event_once_as_it_arrives_and_stops_after_as_many_as_were_asked_for(api: Api) -> None:
    api.send(event("old"))
    words = [sys.executable, "-m", "sv", "tail", "--json", "--count", "3", "--every", "0.05", "--project", "dev"]
    known = {"SV_URL": api.server.url, "SV_API_TOKEN": "sv_dev", "PATH": ""}
    with forked.Forked(words, env=known, stdin=-3, stdout=-1, stderr=-1, text=True) as tail:
        watchdog = threading.Timer(30, tail.kill)
        watchdog.start()
        assert tail.stdout is not None
        found = [json.loads(tail.stdout.readline())["event"]]  # it is following from now on
        for number in range(3):
            api.send(event(f"new {number}", timestamp=NOON + number))
            found.append(json.loads(tail.stdout.readline())["event"])
        assert tail.stdout.read() == ""
        assert tail.wait() == 0
        watchdog.cancel()
    assert found == ["old", "new 0", "new 1", "new 2"]


def test_colours_are_for_terminals_and_not_against_the_reader_s_wish(api: Api) -> None:
    api.send(event())
    assert "\x1b" not in sv(api, "tail", "--no-follow", FORCE_COLOR="1").stdout
    assert "\x1b[" in on_terminal(api, {})
    assert "\x1b[3" not in on_terminal(api, {"NO_COLOR": "1"})


def on_terminal(api: Api, environment: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    known = {"SV_URL": api.server.url, "SV_API_TOKEN": "sv_dev", "PATH": "", "TERM": "xterm-256color"} | environment
    words = [sys.executable, "-m", "sv", "tail", "--no-follow", "--project", "dev"]
    with forked.Forked(words, env=known, stdin=-3, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        read = b""
        try:
            while block := os.read(ours, 65536):
                read += block
        except OSError:  # how Linux says that nobody writes any more
            pass
        assert process.wait() == 0, read
    os.close(ours)
    return read.decode()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["funnel", "view"], "expected steps such as"),
        (["funnel", "a > b", "--window", "1 week"], "conversion_window"),
        (["trends", "view", "--math", "sum"], "math_property"),
        (["tail", "--lines", "1000"], "expected 0 to 500, got 1000 (--lines)"),
        (["tail", "--count", "0"], "(--count)"),
        (["tail", "--every", "0"], "(--every)"),
        (["tail", "--where", "="], "(--where)"),
    ],
)
def test_what_can_t_be_asked_is_refused_in_a_line(api: Api, words: list[str], told: str) -> None:
    done = sv(api, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sv: ") and told in done.stderr
    assert "Traceback" not in done.stderr


def test_who_has_no_token_is_told_how_to_make_one(api: Api, tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_text("")
    asked = {"read": ["tail"], "read ": ["export", "--output", "-"], "write": ["import", str(tmp_path / "events.ndjson")]}
    for scope, words in asked.items():
        done = sv(api, *words, SV_API_TOKEN="")
        expected = f"expected an API token with the scope {scope.strip()} for {api.server.url} (--api-token or SV_API_TOKEN)"
        assert done.stderr == f"sv: {expected}; `sv token create NAME --scope {scope.strip()}` makes one\n"


def test_a_server_s_log_tells_of_a_mistyped_variable(tmp_path: Path) -> None:
    no_host = ["serve", "--host", "192.0.2.1", "--data", str(tmp_path / "data")]
    for words in (["dev", "--port", "0", "--stop-on-eof"], no_host):
        done = forked.run([sys.executable, "-m", "sv", *words], env={"PATH": "", "SV_PORTT": "9"}, text=True, timeout=60)
        assert "SV_PORTT: no such setting; did you mean SV_PORT?" in done.stderr


def login_told(server: Running) -> dict[str, str]:
    """E-mail and password, as a person reads them in what it says of itself."""
    (found,) = re.findall(r"^  web login +(\S+)   password (\S+)$", server.told, re.MULTILINE)
    return dict(zip(("email", "password"), found, strict=True))


def test_a_first_start_says_where_it_is_how_to_get_in_how_to_go_on_and_when_the_first_event_has_come(tmp_path: Path) -> None:
    server = Running("serve", "--data", str(tmp_path / "data"))
    try:
        token = server.ready["project_token"]
        assert server.told.startswith(f"Session Vision is running at {server.url}, with its data in {tmp_path / 'data'}\n")
        assert httpx.post(f"{server.url}/api/v1/auth/login", json=login_told(server), trust_env=False).status_code == 200
        with Api(server, server.ready["project_id"], server.ready["api_token"], token) as api:
            sent = [event(HOSTILE.strip(), "ann\x1b]0;x"), event("second")]
            assert api.http.post(INGEST, json=body_of(sent, token)).status_code == 202
            assert server.process.stdout is not None
            told = ""
            while "first event" not in told:
                line = server.process.stdout.readline()
                assert line
                told += line
            assert f"curl {server.url}/api/v1/ingest/events" in told
            assert f'<script async src="{server.url}/sv.js" data-token="{token}"></script>' in told
            assert f"SV_URL={server.url} SV_API_TOKEN={server.ready['api_token']} sv tail" in told
            assert told.endswith(
                f"The first event has arrived: sign\\x1b[31mup\\x9b2J of ann\\x1b]0;x and 1 more. The web app has it: {server.url}/\n"
            )
    finally:
        server.stop()


def test_sv_dev_says_where_it_is_and_its_credentials() -> None:
    server = Running("dev")
    try:
        assert server.told.startswith(f"Session Vision is running at {server.url} (sv dev: nothing is kept)\n")
        assert login_told(server) == {"email": "dev@localhost", "password": "dev"}
        named = [server.ready[name] for name in ("project_id", "project_token", "api_token")]
        assert named == ["dev", "sv_pub_dev", "sv_dev"]
    finally:
        server.stop()


def test_a_server_says_in_a_line_of_json_where_it_is_and_a_first_start_s_credentials(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    server = Running("serve", "--data", folder, "--json")
    server.stop()
    assert server.ready.keys() == {"url", "project_id", "project_token", "api_token", "email", "password", "data"}
    again = Running("serve", "--data", folder, "--json")
    again.stop()
    assert again.ready == {"url": again.url, "data": folder}
