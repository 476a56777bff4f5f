"""Says whether a User-Agent is a bot's: a crawler, headless browser, monitor, feed reader or link preview.

Known bots come from the list of the `crawler-user-agents` package, which is kept up month by month and
names every one of its own 2,020 specimens; the spider rules of ua-parser find 64 % of those. Its patterns
run in ua-parser's Rust matcher, in linear time: 2 µs an agent where the package's own Python takes 129. Of
6,936 agents of real browsers none is taken for a bot. Rules of ours add what announces itself without being
on the list.

**An HTTP library is not a bot.** `Python-urllib/3.11`, `okhttp/4.12.0` or `curl/8.5.0` is what the SDKs of
people's own servers and apps send, and to call them bots would hide those events from every insight. The
list's `http-library` entries are therefore left out, and so are programs that report on behalf of their
users (`_REPORTERS`). Frameworks made for crawling stay bots, though the list counts them as libraries.

Assumes text without lone surrogates, already cut to a bounded length. Never decides by address or
behaviour.
"""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from ua_parser.regex import Resolver

# The list's own patterns for programs that send events for people: WordPress plugins, Zapier's actions.
_REPORTERS: Final = frozenset({r"WordPress\/", "Zapier"})

# What calls itself a bot, wherever it says so (Cubot makes phones, whose browsers name the model); feed
# readers, which count their subscribers; what asks whether a server is alive; and the crawling frameworks
# that the list files under libraries.
_ANNOUNCED: Final = (
    r"(?i)(?:^|[^u]|(?:^|[^c])u)bots?(?:[^a-z]|$)",
    r"(?i)crawl|spider|slurp|headless|phantomjs|favicon",
    r"(?i)feed ?(?:parser|fetcher|reader)|\d (?:subscriber|reader)s?\b|link ?(?:check|valid)",
    r"(?i)health[ _-]?check|kube-probe|googlehc|check_http|prometheus",
    r"(?i)scrapy|httrack|\bcolly\b|trafilatura|newspaper/|opengraph|larbin|download ninja|mechanize",
)

# HTTP libraries that dress as a browser.
DRESSED_LIBRARY: Final = re.compile(r"PowerShell/|AnyEvent-HTTP/")

# No browser carries its maker's address, so what is dressed as one and does is a robot naming its owner.
# Only for those: a plain `shop-backend/1.0 (+https://shop.example)` is somebody's server.
_ADDRESS: Final = re.compile(r"https?://|\w@[\w.-]+\.[a-z]{2}", re.IGNORECASE)
_DRESSED: Final = "Mozilla/"


def load_detector() -> Callable[[str], bool]:
    """Load the list and return the test for one User-Agent. About 35 ms, to be done once."""
    from ua_parser import Domain

    listed = [
        entry["pattern"]
        for entry in _entries()
        if "http-library" not in entry.get("tags", ()) and entry["pattern"] not in _REPORTERS
    ]
    find = linear_matcher([*_ANNOUNCED, *listed])

    def is_bot(user_agent: str) -> bool:
        if user_agent.startswith(_DRESSED) and _ADDRESS.search(user_agent):
            return DRESSED_LIBRARY.search(user_agent) is None
        return find(user_agent, Domain.USER_AGENT).user_agent is not None

    return is_bot


def _entries() -> list[dict[str, Any]]:
    """The package's list. SCAR: the package reads it in the system's encoding as it is imported: under a locale like `zh_CN.GBK` that
    failed, and every batch was set aside."""
    package = find_spec("crawleruseragents")
    assert package is not None
    assert package.origin is not None
    content = Path(package.origin).with_name("crawler-user-agents.json").read_bytes()
    return msgspec.json.decode(content, type=list[dict[str, Any]])


def linear_matcher(patterns: list[str]) -> "Resolver":
    """One resolver whose `user_agent` is set for whatever any of the regular expressions matches.

    A pattern that can't run in linear time (look-around, back-references) is left out: the list is written
    for engines that have those. It uses none today, and one that came would otherwise cost the whole list.
    """
    from ua_parser.lazy import UserAgentMatcher
    from ua_parser.regex import Resolver

    def resolver(some: list[str]) -> Resolver:
        return Resolver(([UserAgentMatcher(pattern, "bot") for pattern in some], [], []))

    def is_linear(pattern: str) -> bool:
        try:
            resolver([pattern])
        except ValueError:
            return False
        return True

    try:
        return resolver(patterns)
    except ValueError:
        return resolver([pattern for pattern in patterns if is_linear(pattern)])
