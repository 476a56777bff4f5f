"""Which User-Agents are bots, and above all which aren't."""

from pathlib import Path

import pytest

from sv.ingest.enrich.agents import Agent, Agents
from sv.ingest.enrich.bots import linear_matcher, load_detector

AGENTS = Agents()

BOTS = [
    line for line in Path(__file__).with_name("bots.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]

# What SDKs send from servers and apps, and what their users call them.
LIBRARIES = [
    *("Python-urllib/3.11", "python-requests/2.31.0", "python-httpx/0.27.0", "Python/3.11 aiohttp/3.9.1"),
    *("python-urllib3/2.2.1", "okhttp/4.12.0", "Go-http-client/2.0", "Go-http-client/1.1", "curl/8.5.0"),
    *(
        "Wget/1.21.4",
        "axios/1.6.2",
        "node-fetch",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "node",
    ),
    *("undici", "got (https://github.com/sindresorhus/got)", "Deno/1.40.2", "Bun/1.1.8", "superagent/3.8.3"),
    *(
        "Java/17.0.2",
        "Java-http-client/17.0.2",
        "Apache-HttpClient/4.5.14 (Java/17.0.9)",
        "AHC/2.1",
        "Jetty/11",
    ),
    *("Jersey/2.35 (HttpUrlConnection 17)", "ReactorNetty/1.1.13", "Vert.x-WebClient/4.4", "akka-http/10.2"),
    *(
        "ktor-client",
        "Dart/3.2 (dart:io)",
        "reqwest/0.11.23",
        "ureq/2.9.1",
        "hyper/0.14",
        "Ruby",
        "Faraday v2.7.4",
    ),
    *("rest-client/2.1.0 (linux x86_64) ruby/3.2.2p53", "http.rb/5.1.1", "GuzzleHttp/7", "PHP/8.2", "Swoole"),
    *(
        "Symfony HttpClient/Curl",
        "PHP-Curl-Class/4.13.0 (+https://github.com/php-curl-class) PHP/7.4 curl/7.69",
    ),
    *(
        "libwww-perl/6.72",
        "AnyEvent-HTTP/2.24",
        "RestSharp/110.2.0.0",
        ".NET/8.0",
        "hackney/1.20",
        "Finch",
        "req",
    ),
    *(
        "PostmanRuntime/7.36.0",
        "insomnia/8.4.5",
        "HTTPie/3.2.2",
        "HTTP_Request2/2.1.1 (http://pear.php.net/) PHP/5.3",
    ),
    *(
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1682",
        "lua-resty-http/0.17",
    ),
    *("Mozilla/5.0 (compatible; U; AnyEvent-HTTP/2.24; +http://software.schmorp.de/pkg/AnyEvent)", "Zapier"),
    *(
        "WordPress/6.4; https://example.com",
        "Amazon CloudFront",
        "Salesforce.com",
        "MyApp/1 CFNetwork/1410 Darwin/22.6",
    ),
    *(
        "sessionvision-python/0.1.1",
        "shop-backend/1.0 (+https://shop.example)",
        "Bottleneck/1.0",
        "robotics-lab/2",
    ),
]


@pytest.mark.parametrize("user_agent", BOTS)
def test_a_bot_is_one_and_nothing_else(user_agent: str) -> None:
    assert AGENTS.lookup(user_agent) == Agent(is_bot=True)


@pytest.mark.parametrize("user_agent", LIBRARIES)
def test_an_http_library_is_no_bot_and_has_no_device(user_agent: str) -> None:
    assert AGENTS.lookup(user_agent) == Agent()


def test_every_specimen_of_the_list_is_a_bot_but_for_the_libraries_and_reporters() -> None:
    import crawleruseragents

    is_bot = load_detector()
    listed = [
        (entry["pattern"], specimen)
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if "http-library" not in entry.get("tags", ())
        for specimen in entry["instances"]
    ]

    assert len(listed) > 1500
    assert {pattern for pattern, specimen in listed if not is_bot(specimen)} <= {r"WordPress\/", "Zapier"}


def test_a_pattern_with_look_around_costs_only_itself() -> None:
    from ua_parser import Domain

    matcher = linear_matcher([r"first", r"(?<!not )second", r"third"])

    found = [matcher(text, Domain.USER_AGENT).user_agent is not None for text in ("first", "second", "third")]
    assert found == [True, False, True]
