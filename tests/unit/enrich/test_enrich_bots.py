"""Which User-Agents are bots, and above all which aren't."""

import pytest

from sv.ingest.enrich.agents import Agent, Agents
from sv.ingest.enrich.bots import linear_matcher, load_detector

AGENTS = Agents()

BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/125.0.6422.60 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Googlebot-Image/1.0",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) "
    "Chrome/116.0.1938.76 Safari/537.36",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
    "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)",
    "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)",
    "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 13_2_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/13.0.3 Mobile/15E148 Safari/604.1 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)",
    # language models
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
    "+https://perplexity.ai/perplexitybot)",
    # link previews
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    # monitors and audits
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 "
    "Safari/537.36 Chrome-Lighthouse",
    "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/125.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
    "kube-probe/1.27",
    "ELB-HealthChecker/2.0",
    # browsers without a person
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) PhantomJS/1.9.2 Safari/534.34",
    # feed readers
    "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
    "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 16 subscribers; feed-id=3389821348893992437)",
    "LiveJournal.com (webmaster@livejournal.com; for http://www.livejournal.com/users/x/; 1 readers)",
    "Tiny Tiny RSS/1.11 (http://tt-rss.org/)",
    # frameworks made for crawling, and a library used by a bot that says so
    "Scrapy/2.11.1 (+https://scrapy.org)",
    "colly - https://github.com/gocolly/colly",
    "Mozilla/4.5 (compatible; HTTrack 3.0x; Windows 98)",
    "newspaper/0.2.8",
    "python-requests/2.31.0 (MyCrawler/1.0)",
    # one that nobody has listed
    "Mozilla/5.0 (compatible; Nobody-Lists-This/0.1; +https://nobody.example/about)",
    "some-unlisted-bot/3",
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
