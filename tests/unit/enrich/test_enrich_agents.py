"""User-Agents of real browsers, and of nothing at all."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.ingest.enrich.agents import CACHED_AGENTS, NAME_CHARS, USER_AGENT_CHARS, Agent, Agents

AGENTS = Agents()
# Device type, system, browser, version and User-Agent a line.
BROWSERS = [
    tuple(None if cell == "-" else cell for cell in line.split("\t"))
    for line in Path(__file__).with_name("browsers.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
TEXTS = [row[-1] or "" for row in BROWSERS]
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

# Texts made to be slow, long or undecodable.
HOSTILE = [
    "Mozilla/5.0 (" + "(" * 100_000,
    "Mozilla/5.0 (Linux; Android " + "9." * 50_000,
    "Mozilla/5.0 (Macintosh;" + " Mobile" * 10_000,
    "Mozilla/5.0 " + "a@a." * 10_000,
    "Mozilla/5.0 " + "HbbTV/1.1.1 (;" * 10_000,
    "Mozilla/5.0 Chrome/" + "9" * 100_000,
    "bo" * 50_000,
    "9 " * 50_000,
    "\x00" * 100_000,
    "\ud800" * 100_000,
    "Mozilla/5.0 \udfff (Windows NT 10.0) Chrome/1.0",
    "🦊" * 100_000,
    "Mozilla/5.0\r\nSet-Cookie: a=b",
]


@pytest.mark.parametrize(("device", "system", "browser", "version", "user_agent"), BROWSERS)
def test_a_browser_is_named_with_its_system_and_device(
    device: str | None, system: str | None, browser: str | None, version: str | None, user_agent: str
) -> None:
    found = AGENTS.lookup(user_agent)

    assert (found.device_type, found.os) == (device, system)
    assert (found.browser, found.browser_version) == (browser, version)
    assert not found.is_bot


@pytest.mark.parametrize("user_agent", ["", " ", "-", "?", "Mozilla/5.0", "Mozilla/4.0 (compatible;)", "\x00", '""'])
def test_a_text_that_says_nothing_gives_nothing(user_agent: str) -> None:
    assert AGENTS.lookup(user_agent) == Agent(None, None, None, None, False)


@pytest.mark.parametrize("user_agent", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_read_in_bounded_time(user_agent: str) -> None:
    AGENTS.lookup("anything, to load the parser")
    started = time.perf_counter()

    found = AGENTS.lookup(user_agent)

    assert time.perf_counter() - started < 0.25  # measured: at most 0.0003
    assert all(name is None or len(name) <= NAME_CHARS for name in (found.browser, found.os))
    assert found.browser_version is None or len(found.browser_version) <= 7


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.characters(), max_size=40),
    st.sampled_from(["", "Mozilla/5.0 (", "Opera/", "Dalvik ", *TEXTS]),
    st.integers(0, 120),
)
def test_no_text_raises_and_names_are_printable(noise: str, base: str, at: int) -> None:
    found = AGENTS.lookup(base[:at] + noise + base[at:])

    for value in (found.browser, found.browser_version, found.os):
        assert value is None or (value.isprintable() and value.strip() == value != "")
    assert found.browser_version is None or found.browser is not None
    assert not found.is_bot or found == Agent(is_bot=True)


def test_only_the_beginning_of_an_overlong_text_counts() -> None:
    padded = f"{CHROME} ".ljust(USER_AGENT_CHARS, "x")

    assert AGENTS.lookup(padded + " Googlebot/2.1") == AGENTS.lookup(padded)
    assert AGENTS.lookup(padded).browser == "Chrome"


def test_a_letter_outside_ascii_changes_nothing() -> None:
    assert AGENTS.lookup(CHROME + " Müller\ud800") == AGENTS.lookup(CHROME)


def test_no_more_agents_are_remembered_than_asked_for() -> None:
    agents = Agents(cached=2)
    first = agents.lookup("Mozilla/5.0 (Windows NT 10.0) Chrome/1.0")

    assert agents.lookup("Mozilla/5.0 (Windows NT 10.0) Chrome/1.0") is first
    for other in range(3):
        agents.lookup(f"Mozilla/5.0 (Windows NT 10.0) Chrome/{other + 2}.0")
    assert agents.lookup("Mozilla/5.0 (Windows NT 10.0) Chrome/1.0") is not first
    assert CACHED_AGENTS * USER_AGENT_CHARS * 4 < 10_000_000


def test_threads_that_ask_at_once_get_the_same_answers() -> None:
    agents = Agents()
    texts = TEXTS * 4

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(agents.lookup, texts)) == [AGENTS.lookup(text) for text in texts]


def test_the_parser_is_imported_by_the_first_look_up_and_not_before() -> None:
    code = (
        "import sys; from sv.ingest.enrich.agents import Agents; agents = Agents(); agents.lookup('');"
        "heavy = {'ua_parser', 'ua_parser_rs'};"
        "assert not heavy & set(sys.modules); assert agents.lookup('Googlebot/2.1').is_bot; assert heavy <= set(sys.modules)"
    )

    # As where the system's encoding is an older one than UTF-8 (`LC_ALL=zh_CN.GBK`), in which no data of ours is read.
    environment = {**os.environ, "LC_ALL": "C"}
    subprocess.run([sys.executable, "-X", "utf8=0", "-c", code], check=True, timeout=60, env=environment)
