"""Reads a User-Agent: which browser, system and kind of device, and whether it is a bot.

Assumes nothing of the text: it is cut to `USER_AGENT_CHARS`, repaired where it isn't valid Unicode, and
matched in linear time, so that a hostile one costs what any other does. Never raises on input, never looks
at client hints, and never guesses: what the text doesn't say is None.

**Parser.** ua-parser 1.0 with its Rust matcher: 30 µs a look-up; 120 ms and 24 MB at the first, which
is when it is imported. Turned down: its pure Python form (607 µs), user-agents-ng (built on that, 512 µs),
device-detector (13 ms and 104 MB). Its device models are not asked for, as the device type follows from the
text and they would cost half as much again.

**Names** are those that people know from other tools: "Chrome" and "Safari" on phones as on desktops (the
device type tells them apart), "Edge", "Opera", "Samsung Internet", "Internet Explorer"; "Windows", "macOS",
"iOS" (iPads too), "Android", "ChromeOS", and "Linux" for every distribution. What isn't renamed keeps
ua-parser's name. A version is the major number and, unless it is 0 or a build number, the minor: "126",
"17.4".

**Decisions.** An iPad that asks for desktop pages calls itself a Mac, and Safari on it gives nothing else
away: Desktop, macOS. Televisions, consoles, watches and headsets are none of Desktop, Mobile and Tablet:
None, though browser and system are named. A bot's claims about its machine say nothing about a visitor: all
but `is_bot` is None. An HTTP library runs on a server: all None and no bot (see `bots`), unless its text
names a phone's or tablet's system, when it is an app there and has a system and a device type.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from sv.ingest.enrich.bots import DRESSED_LIBRARY, load_detector

if TYPE_CHECKING:
    from ua_parser.core import UserAgent

# Browsers send 80 to 300 characters; the longest honest ones are apps that list their build.
USER_AGENT_CHARS: Final = 512

# A busy site sees some thousand distinct agents a day (558 in 10,000 requests of a small one), so that
# nearly every look-up is a hit; an attacker who makes them up fills at most 10 MB.
CACHED_AGENTS: Final = 4096

# The parser's general rules take names from the visitor's text; the longest of its own has 32 characters.
NAME_CHARS: Final = 64

# Versions are numbered up to the hundreds (the Google app), their parts up to the tens: Edge's "18.17763"
# has a build number for its second, and anything longer is somebody playing.
MAJOR_DIGITS: Final = 4
MINOR_DIGITS: Final = 2

DeviceType = Literal["Desktop", "Mobile", "Tablet"]


class Agent(Struct, frozen=True):
    """What a User-Agent says. A version ("126", "17.4") comes only with a browser."""

    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device_type: DeviceType | None = None
    is_bot: bool = False


_UNKNOWN: Final = Agent()
_BOT: Final = Agent(is_bot=True)

# From ua-parser's families to the names that people use.
_BROWSERS: Final = {
    "Android": "Android Browser",
    "BlackBerry WebKit": "BlackBerry",
    "Chrome Frame": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Ecosia Android": "Ecosia",
    "Ecosia iOS": "Ecosia",
    "Edge Mobile": "Edge",
    "Edge WebView2": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google Search App",
    "IE": "Internet Explorer",
    "IE Large Screen": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "MiuiBrowser": "Miui Browser",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera GX": "Opera",
    "Opera Mobile": "Opera",
    "Opera Neon": "Opera",
    "Opera Tablet": "Opera",
    "Opera Touch": "Opera",
    "QQ Browser Mini": "QQ Browser",
    "QQ Browser Mobile": "QQ Browser",
}

_DISTRIBUTIONS: Final = (
    "Arch Linux,BackTrack,CentOS,Chromecast Linux,Debian,Fedora,Gentoo,Kubuntu,Linux Mint,Lubuntu,Mageia,"
    "Mandriva,PCLinuxOS,Puppy,Red Hat,SUSE,Slackware,Ubuntu,openSUSE"
)
_SYSTEMS: Final = {
    "ATV OS X": "tvOS",
    "Chrome OS": "ChromeOS",
    "Chromecast Android": "Android",
    "Mac OS": "macOS",
    "Mac OS X": "macOS",
    "WatchOS": "watchOS",
    "Web0S": "webOS",
    **dict.fromkeys(_DISTRIBUTIONS.split(","), "Linux"),
}

# How the text of something that a person looks at begins. All else names a program: a library or an app.
_BROWSING: Final = re.compile(
    r"Mozilla|Opera|Lynx|E?Links|w3m|Dillo|Midori|NetSurf|UCWEB|BlackBerry|Nokia|SAMSUNG|SonyEricsson",
    re.IGNORECASE,
)
_APP: Final = re.compile(r"Android|iPhone|iPad|iPod|\biOS\b")

# A visitor's machine, though none of the three device types.
_OTHER_DEVICE: Final = re.compile(
    r"\bTV\b|[Ss]mart-?T[Vv]|GoogleTV|AppleTV|HbbTV|NetCast|NETTV|Web0S|BRAVIA|; ?AFT[A-Z]|CrKey|\bRoku|VIDAA"
    r"|Viera|AQUOS|P(?:lay|LAY)(?:Station|STATION)|Nintendo|\bXbox\b|\bQuest\b|Oculus|Mobile VR|Watch ?OS"
)
_TABLET: Final = re.compile(r"iPad|\b[Tt]ablet\b(?! PC)|PlayBook|Kindle|TouchPad")
# Tablets that say "Mobile" all the same, or whose apps say neither: Amazon Fire, Galaxy Tab and Note,
# Nexus, Pixel C, Lenovo, Huawei, Xoom.
_TABLET_MODEL: Final = re.compile(
    r"; ?(?:KF[A-Z]{2,7}\b|SM-[TPX]\d|GT-[NP]\d[01]\d\d|Nexus (?:7|9|10)\b|Pixel C\b|(?:Lenovo )?TB[- ]?\w"
    r"|(?:HUAWEI )?MediaPad|Lenovo Tab|Xoom)"
)
# No Mac has a mobile WebKit or an iOS edition of a browser; an iPad that asks for desktop pages may show
# either.
_IPAD_AS_MAC: Final = re.compile(r"\(Macintosh;.*(?: Mobile/| CriOS/| FxiOS/| EdgiOS/| GSA/)", re.DOTALL)
_PHONE: Final = re.compile(r"Mobi|iPhone|iPod|Phone|MIDP|CLDC|Opera Mini|BlackBerry|Symbian|Series ?[346]0|KaiOS|UCWEB")
_DESKTOP: Final = re.compile(r"Windows|Win(?:9[58]|NT)|Macintosh|Mac_PowerPC|X11|Linux|CrOS|BSD|SunOS")


class Agents:
    """Looks User-Agents up, remembering the last ones asked for. Safe to share between threads.

    `cached` is the number remembered, at least 1.
    """

    def __init__(self, cached: int = CACHED_AGENTS) -> None:
        self._loading = Lock()
        self._read: Callable[[str], Agent] | None = None
        self._remembered = lru_cache(maxsize=cached)(self._look_up)

    def lookup(self, user_agent: str) -> Agent:
        """What the text says; of one longer than `USER_AGENT_CHARS`, what its beginning says.

        An empty or meaningless text gives an `Agent` of Nones that is no bot. The first call loads the
        parser.
        """
        return self._remembered(user_agent[:USER_AGENT_CHARS])

    def _look_up(self, user_agent: str) -> Agent:
        text = user_agent.strip(" \t\r\n\"'")  # quotes: what some log writers leave on
        if not text:
            return _UNKNOWN
        if not text.isascii():
            # TRICKY: the Rust matcher takes UTF-8 only, and a lone surrogate has none.
            text = text.encode("utf-8", "replace").decode()
        read = self._read
        if read is None:
            with self._loading:
                read = self._read = self._read or _load_reader()
        return read(text)


def _load_reader() -> Callable[[str], Agent]:
    """Import the parser and the list of bots, and return the function that reads one repaired text."""
    from ua_parser import Domain
    from ua_parser.loaders import load_lazy_builtins
    from ua_parser.regex import Resolver

    browsers, systems, _ = load_lazy_builtins()
    resolve = Resolver((browsers, systems, []))
    is_bot = load_detector()

    def read(text: str) -> Agent:
        if is_bot(text):
            return _BOT
        is_browsing = _BROWSING.match(text) is not None and not DRESSED_LIBRARY.search(text)
        if not is_browsing and not _APP.search(text):
            return _UNKNOWN
        found = resolve(text, Domain.USER_AGENT | Domain.OS)
        browser = _name(found.user_agent.family, _BROWSERS) if found.user_agent and is_browsing else None
        return Agent(
            browser=browser,
            browser_version=_version(found.user_agent) if found.user_agent and browser else None,
            os=_system(text, found.os.family) if found.os else None,
            device_type=_device_type(text, is_browsing),
        )

    return read


def _name(family: str, names: dict[str, str]) -> str | None:
    name = names.get(family, family).strip()
    return name if name and len(name) <= NAME_CHARS and name.isprintable() and name != "Other" else None


def _system(text: str, family: str) -> str | None:
    return "iOS" if _IPAD_AS_MAC.search(text) else _name(family, _SYSTEMS)


def _version(browser: "UserAgent") -> str | None:
    major, minor = _digits(browser.major, MAJOR_DIGITS), _digits(browser.minor, MINOR_DIGITS)
    return f"{major}.{minor}" if major and minor and minor.strip("0") else major


def _digits(part: str | None, most: int) -> str | None:
    return part if part and len(part) <= most and part.isascii() and part.isdigit() else None


def _device_type(text: str, is_browsing: bool) -> DeviceType | None:
    """Goes from the particular to the general: what names a television may also name Android or Linux."""
    if _OTHER_DEVICE.search(text):
        return None
    if _TABLET.search(text) or _IPAD_AS_MAC.search(text):
        return "Tablet"
    if "Android" in text:
        if _TABLET_MODEL.search(text):
            return "Tablet"
        # Android browsers say "Mobile" on phones and leave it out on tablets; apps never say it.
        return "Mobile" if not is_browsing or _PHONE.search(text) else "Tablet"
    if not is_browsing or _PHONE.search(text):
        return "Mobile"
    return "Desktop" if _DESKTOP.search(text) else None
