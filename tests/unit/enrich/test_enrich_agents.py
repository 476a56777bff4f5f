"""User-Agents of real browsers, and of nothing at all."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.ingest.enrich.agents import CACHED_AGENTS, NAME_CHARS, USER_AGENT_CHARS, Agent, Agents

AGENTS = Agents()
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

# User-Agent, then browser, version, system and device type.
DESKTOPS = [
    (f"{WINDOWS} {KHTML} Chrome/126.0.0.0 Safari/537.36", "Chrome", "126", "Windows"),
    (f"{MAC} {KHTML} Chrome/126.0.0.0 Safari/537.36", "Chrome", "126", "macOS"),
    (f"Mozilla/5.0 (X11; Linux x86_64) {KHTML} Chrome/125.0.0.0 Safari/537.36", "Chrome", "125", "Linux"),
    (
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KHTML} Chrome/126.0.0.0 Safari/537.36",
        "Chrome",
        "126",
        "ChromeOS",
    ),
    (f"{MAC} {WEBKIT} Version/17.5 Safari/605.1.15", "Safari", "17.5", "macOS"),
    (f"{MAC} {WEBKIT} Version/17.0 Safari/605.1.15", "Safari", "17", "macOS"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        *("Firefox", "127", "Windows"),
    ),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
        *("Firefox", "126", "Linux"),
    ),
    (
        "Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/119.0",
        *("Firefox", "119", "Linux"),
    ),
    ("Mozilla/5.0 (X11; FreeBSD amd64; rv:122.0) Gecko/20100101 Firefox/122.0", "Firefox", "122", "FreeBSD"),
    ('"Mozilla/5.0 (Windows NT 6.3; rv:14.0) Gecko/20100101 Firefox/14.0.1"', "Firefox", "14", "Windows"),
    (f"{WINDOWS} {KHTML} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge", "126", "Windows"),
    (f"{WINDOWS} {KHTML} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Edge", "18", "Windows"),
    (f"{WINDOWS} {KHTML} Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0", "Opera", "111", "Windows"),
    ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", "Opera", "12.18", "Windows"),
    (f"{WINDOWS} {KHTML} Chrome/122.0.0.0 Safari/537.36 Vivaldi/6.6.3271.61", "Vivaldi", "6.6", "Windows"),
    (
        f"{WINDOWS} {KHTML} Chrome/124.0.0.0 YaBrowser/24.6.0.0 Safari/537.36",
        "Yandex Browser",
        "24.6",
        "Windows",
    ),
    (f"{WINDOWS} {KHTML} Chrome/108.0.0.0 Whale/3.18.154.13 Safari/537.36", "Whale", "3.18", "Windows"),
    (f"{WINDOWS} {KHTML} Chrome/124.0.0.0 Electron/30.0.6 Safari/537.36", "Electron", "30", "Windows"),
    (
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        *("Internet Explorer", "11", "Windows"),
    ),
    (
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Touch; Tablet PC 2.0)",
        *("Internet Explorer", "10", "Windows"),
    ),
    (
        "Mozilla/5.0 (compatible; Konqueror/4.5; FreeBSD) KHTML/4.5.4 (like Gecko)",
        "Konqueror",
        "4.5",
        "FreeBSD",
    ),
]
PHONES = [
    (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "Safari", "17.5", "iOS"),
    (f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "Chrome", "126", "iOS"),
    (f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox", "127", "iOS"),
    (f"{IPHONE} Version/17.0 EdgiOS/124.2478.89 Mobile/15E148 Safari/605.1.15", "Edge", "124", "iOS"),
    (f"{IPHONE} GSA/360.1.737798518 Mobile/15E148 Safari/604.1", "Google Search App", "360.1", "iOS"),
    (f"{IPHONE} Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "DuckDuckGo", "7", "iOS"),
    (
        f"{IPHONE} Version/18.4 Mobile/15E148 Safari/605.1.15 (Ecosia ios@11.0.2.2268)",
        *("Ecosia", "11", "iOS"),
    ),
    (f"{IPHONE} Mobile/15E148 Instagram 336.0.0.35.90 (iPhone14,5; iOS 17_5_1)", "Instagram", "336", "iOS"),
    (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.40.109;FBDV/iPhone14,5]", "Facebook", "468", "iOS"),
    (f"{IPHONE} Mobile/15E148", "Safari", None, "iOS"),
    (
        f"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X) {WEBKIT} Version/12.0 Mobile/15E148 Safari/604.1",
        *("Safari", "12", "iOS"),
    ),
    (f"{ANDROID} {KHTML} Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome", "126", "Android"),
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        *("Samsung Internet", "25", "Android"),
    ),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127", "Android"),
    (f"{ANDROID} {KHTML} Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.2478.64", "Edge", "124", "Android"),
    (f"{ANDROID} {KHTML} Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.0.0", "Opera", "82", "Android"),
    (
        f"Mozilla/5.0 (Linux; U; Android 13; RMX3085) {KHTML} Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
        *("UC Browser", "13.4", "Android"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A; wv) {KHTML} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36",
        *("Chrome", "126", "Android"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 8.0.0; SM-G930F; wv) {KHTML} Version/4.0 Chrome/74.0.3729.157 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/222.0.0.48.113;]",
        *("Facebook", "222", "Android"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 12; CUBOT X50) {KHTML} Chrome/96.0.4664.45 Mobile Safari/537.36",
        *("Chrome", "96", "Android"),
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; Galaxy S II) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        *("Android Browser", "4", "Android"),
    ),
    (
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        *("Opera Mini", "36.2", "Android"),
    ),
    (
        "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        "Firefox",
        "48",
        "KaiOS",
    ),
    (
        f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) {KHTML} Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063",
        *("Edge", "15", "Windows Phone"),
    ),
    (
        "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.35+ (KHTML, like Gecko) Version/10.3.3.2205 Mobile Safari/537.35+",
        *("BlackBerry", "10.3", "BlackBerry OS"),
    ),
    (
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {KHTML} Chrome/114.0.0.0 Safari/537.36 Mobile",
        "Chrome",
        "114",
        None,
    ),
    ("Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)", None, None, "Android"),
    ("MyShop/5.1 (com.example.shop; build:7; iOS 17.1.0) Alamofire/5.8.1", None, None, "iOS"),
]
TABLETS = [
    (f"{IPAD} Version/12.1.2 Mobile/15E148 Safari/604.1", "Safari", "12.1", "iOS"),
    (f"{IPAD} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "Chrome", "126", "iOS"),
    (f"{MAC} {WEBKIT} CriOS/126 Version/11.1.1 Safari/605.1.15", "Chrome", "126", "iOS"),
    (f"{MAC} {WEBKIT} Version/18.3.1 Mobile/15E148 Safari/604.1", "Safari", "18.3", "iOS"),
    (f"{ANDROID} {KHTML} Chrome/126.0.0.0 Safari/537.36", "Chrome", "126", "Android"),
    (
        f"Mozilla/5.0 (Linux; Android 13; SM-X200) {KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36",
        *("Samsung Internet", "25", "Android"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; SM-T510) {KHTML} Chrome/96.0.4664.45 Mobile Safari/537.36",
        *("Chrome", "96", "Android"),
    ),
    ("Mozilla/5.0 (Android 13; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127", "Android"),
    (
        f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {KHTML} Silk/124.5.5 like Chrome/124.0.6367.201 Safari/537.36",
        *("Amazon Silk", "124.5", "Android"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 5.1.1; KFSUWI) {KHTML} Silk/80.5.3 like Chrome/80.0.3987.162 Mobile Safari/537.36",
        *("Amazon Silk", "80.5", "Android"),
    ),
    (
        "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML, like Gecko) Version/7.2.1.0 Safari/536.2+",
        *("BlackBerry", "2.1", "BlackBerry Tablet OS"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 4.4.2; Nexus 7 Build/KOT49H) {KHTML} Chrome/32.0.1700.99 Safari/537.36",
        *("Chrome", "32", "Android"),
    ),
    ("Dalvik/2.1.0 (Linux; U; Android 12; SM-T970 Build/SP1A)", None, None, "Android"),
]
OTHERS = [
    (
        f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {KHTML} 76.0.3809.146/6.0 TV Safari/537.36",
        *("Safari", None, "Tizen"),
    ),
    (
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {KHTML} Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
        *("Chrome", "94", "webOS"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633; wv) {KHTML} Version/4.0 Chrome/108.0.5359.220 Mobile Safari/537.36",
        *("Chrome", "108", "Android"),
    ),
    (
        f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {WEBKIT} Version/13.0 Safari/605.1.15",
        "Safari",
        "13",
        None,
    ),
    (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {KHTML} Chrome/125.0.0.0 Safari/537.36 Edge/44.18363.8131",
        *("Edge", "44", "Windows"),
    ),
    (
        f"Mozilla/5.0 (X11; Linux x86_64; Quest 3) {KHTML} OculusBrowser/33.0.0.3.42 Chrome/124.0.0.0 VR Safari/537.36",
        *("Oculus Browser", "33", "Android"),
    ),
    ("Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.13", "Lynx", "2.8", None),
]
EVERY = [
    *((*row, "Desktop") for row in DESKTOPS),
    *((*row, "Mobile") for row in PHONES),
    *((*row, "Tablet") for row in TABLETS),
    *((*row, None) for row in OTHERS),
]

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


@pytest.mark.parametrize(("user_agent", "browser", "version", "system", "device"), EVERY)
def test_a_browser_is_named_with_its_system_and_device(
    user_agent: str, browser: str | None, version: str | None, system: str | None, device: str | None
) -> None:
    found = AGENTS.lookup(user_agent)

    assert (found.browser, found.browser_version, found.os, found.device_type) == (
        browser,
        version,
        system,
        device,
    )
    assert not found.is_bot


@pytest.mark.parametrize(
    "user_agent", ["", " ", "-", "?", "Mozilla/5.0", "Mozilla/4.0 (compatible;)", "\x00", '""']
)
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
    st.sampled_from(["", "Mozilla/5.0 (", "Opera/", "Dalvik ", *(row[0] for row in EVERY)]),
    st.integers(0, 120),
)
def test_no_text_raises_and_names_are_printable(noise: str, base: str, at: int) -> None:
    found = AGENTS.lookup(base[:at] + noise + base[at:])

    for value in (found.browser, found.browser_version, found.os):
        assert value is None or (value.isprintable() and value.strip() == value != "")
    assert found.browser_version is None or found.browser is not None
    assert not found.is_bot or found == Agent(is_bot=True)


def test_only_the_beginning_of_an_overlong_text_counts() -> None:
    padded = f"{DESKTOPS[0][0]} ".ljust(USER_AGENT_CHARS, "x")

    assert AGENTS.lookup(padded + " Googlebot/2.1") == AGENTS.lookup(padded)
    assert AGENTS.lookup(padded).browser == "Chrome"


def test_a_letter_outside_ascii_changes_nothing() -> None:
    assert AGENTS.lookup(DESKTOPS[0][0] + " Müller\ud800") == AGENTS.lookup(DESKTOPS[0][0])


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
    texts = [row[0] for row in EVERY] * 4

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(agents.lookup, texts)) == [AGENTS.lookup(text) for text in texts]


def test_the_parser_is_imported_by_the_first_look_up_and_not_before() -> None:
    code = (
        "import sys; from sv.ingest.enrich.agents import Agents; agents = Agents(); agents.lookup('');"
        "heavy = {'ua_parser', 'ua_parser_rs', 'crawleruseragents'};"
        "assert not heavy & set(sys.modules); agents.lookup('curl'); assert heavy <= set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
