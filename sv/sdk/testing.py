"""What a test asks of a server: send, what arrived, who, and how many of them went on.

    def test_checkout(sv_server):
        shop.buy(analytics=sv_server.url, token=sv_server.project_token)
        bought = sv_server.wait_for("purchase")[0]
        assert bought["properties"]["amount"] == 99.99
        assert sv_server.funnel("view", "purchase").counts == [1, 1]

Answers for asking the query API of one project and for messages that say what did arrive. Assumes a server with the credentials of
`sv dev`. Standard library alone: it is imported into other people's test runs.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

ANSWER_S: Final = 30.0
PAGE: Final = 1000
MAX_EVENTS: Final = 10_000
"""Of one answer of `events`. A test that makes more asks for one name, or for one person."""

SHOWN_EVENTS: Final = 40
SHOWN_CHARS: Final = 160
FIRST_PAUSE_S: Final = 0.005
LAST_PAUSE_S: Final = 0.1

JSON = dict[str, Any]


class Refused(AssertionError):
    """The server answered with an error. status, answer: what it said."""

    def __init__(self, status: int, answer: Any, what: str) -> None:
        super().__init__(f"{what} was answered {status}: {json.dumps(answer, ensure_ascii=False)}")
        self.status = status
        self.answer = answer


class Funnel(JSON):
    """A funnel as the API answers it."""

    @property
    def counts(self) -> list[int]:
        """How many reached each step."""
        return [step["count"] for step in self["steps"]]


class Trend(JSON):
    """Series over time as the API answers them."""

    @property
    def totals(self) -> list[float]:
        """Of each series, over the whole range."""
        return [series["total"] for series in self["series"]]


class SvServer:
    """A running server and its one project.

    url: its address, which clients take as `ingest_host`. pid: its process, where it is ours. log_tail: the end of its log, likewise.
    """

    project_id: Final = "dev"
    project_token: Final = "sv_pub_dev"  # noqa: S105 - of `sv dev`, the same everywhere
    api_token: Final = "sv_dev"  # noqa: S105 - likewise

    def __init__(self, url: str, *, pid: int | None = None, log_tail: Callable[[], str] = str) -> None:
        self.url = url.rstrip("/")
        self.pid = pid
        self.log_tail = log_tail
        # The environment's proxy is for the world outside.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __repr__(self) -> str:
        return f"<SvServer {self.url}>"

    # Sending

    def capture(
        self,
        event: str,
        user_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | None = None,
        session_id: str | None = None,
        timestamp: int | str | None = None,
    ) -> None:
        """Send one event, as a client would. timestamp: Unix ms or ISO 8601; now where there is none. Raises Refused."""
        fields = {
            "event": event,
            "userId": user_id,
            "anonymousId": anonymous_id if anonymous_id or user_id else "anonymous",
            "sessionId": session_id,
            "timestamp": timestamp,
            "properties": properties,
        }
        sent = {name: value for name, value in fields.items() if value is not None}
        self.ask("/api/v1/ingest/events", {"projectToken": self.project_token, "events": [sent]})

    def reset(self) -> None:
        """Take away all that arrived. Happens before each test by itself."""
        self.ask("/api/v1/dev/reset", {})

    # Asking

    def events(self, event: str | None = None, **parameters: Any) -> list[JSON]:
        """What arrived, oldest first, as the API answers it: `event`, `timestamp`, `distinct_id`, `properties` and so on.

        event: those of this name alone. parameters: of `GET /events`, such as `distinct_id="ann"`, `properties={"plan": "pro"}`.
        """
        found = self._list("events", event=event, **parameters)
        return found[::-1]

    def wait_for(self, event: str, n: int = 1, timeout: float = 5.0, **parameters: Any) -> list[JSON]:
        """The events of this name, once there are n of them. Raises AssertionError after `timeout` seconds, saying what did arrive.

        For clients that send from a thread of theirs, or that collect; what was answered 202 is there at once.
        """
        until_s = _clock_s() + timeout
        pause_s = FIRST_PAUSE_S
        while True:
            found = self.events(event, **parameters)
            if len(found) >= n:
                return found
            left_s = until_s - _clock_s()
            if left_s <= 0:
                raise AssertionError(
                    f"expected {n} x {event!r}{_shown_parameters(parameters)} within {timeout:g} s, got {len(found)}\n{self.describe()}"
                )
            time.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 2, LAST_PAUSE_S)

    def persons(self, **parameters: Any) -> list[JSON]:
        """Who was seen, the first seen first. parameters: of `GET /persons`, such as `search="ann"`."""
        found = self._list("persons", **parameters)
        return found[::-1]

    def funnel(self, *steps: str | Mapping[str, Any], window: str = "7d", **fields: Any) -> Funnel:
        """How many went through the steps in order within the window of the first: `.counts`, and all that the API answers.

        steps: names, or steps of the API with filters. fields: more of the API's, such as `breakdown="plan"`, `date_from="-90d"`.
        Bots count here, unless `include_bots=False`: a headless browser is one, and is what tests are run in.
        """
        asked = [{"event": step} if isinstance(step, str) else step for step in steps]
        return Funnel(self._insight("funnel", {"steps": asked, "conversion_window": window, "include_bots": True, **fields}))

    def trend(self, *events: str | Mapping[str, Any], math: str = "total", interval: str = "day", **fields: Any) -> Trend:
        """How often, over time: `.totals`, one for each event, and all that the API answers. fields: as with `funnel`."""
        asked = [{"name": event, "math": math} if isinstance(event, str) else event for event in events]
        return Trend(self._insight("trends", {"events": asked, "interval": interval, "include_bots": True, **fields}))

    def ask(self, path: str, body: Any = None) -> Any:
        """Any other question: the decoded answer to a GET, or to a POST of `body`. Raises Refused."""
        request = urllib.request.Request(  # noqa: S310 - the address is a server that we started, or was told by who runs the tests
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.api_token}", "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=ANSWER_S) as response:
                return _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, _decoded(error.read()), path) from None

    def describe(self) -> str:
        """What arrived, as text for people: the newest events, a line each, and how many there are of each name. Never raises."""
        try:
            return _table(self.events())
        except (
            Exception
        ) as fault:  # a test that failed may have put anything in the place of what asks, a network that refuses, say
            return f"{self.url} can't be asked: {fault}"

    def _insight(self, kind: str, body: JSON) -> JSON:
        answer: JSON = self.ask(f"/api/v1/projects/{self.project_id}/insights/{kind}", body)
        return answer

    def _list(self, what: str, **parameters: Any) -> list[JSON]:
        """Every item of a list, newest first. Raises Refused, AssertionError beyond MAX_EVENTS."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in parameters.items()
            if value is not None
        }
        found: list[JSON] = []
        while True:
            query = urllib.parse.urlencode({"limit": PAGE, **texts})
            page = self.ask(f"/api/v1/projects/{self.project_id}/{what}?{query}")
            found += page["data"]
            cursor = page["meta"]["next_cursor"]
            if cursor is None:
                return found
            if len(found) >= MAX_EVENTS:
                raise AssertionError(f"more than {MAX_EVENTS:,} {what}; ask for fewer: {what}(..., date_from=...)")
            texts["cursor"] = cursor


def _clock_s() -> float:
    """SCAR: not `time.monotonic`, which stands in a test that has freezegun hold the clock: `wait_for` never gave up."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _shown_parameters(parameters: Mapping[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in parameters.items())


def _table(events: list[JSON]) -> str:
    if not events:
        return "nothing arrived"
    shown = events[-SHOWN_EVENTS:]
    names = max(len(event["event"]) for event in shown)
    persons = max(len(event["distinct_id"]) for event in shown)
    lines = [
        f"{event['timestamp']}  {event['event']:<{names}}  {event['distinct_id']:<{persons}}  {_clipped(event['properties'])}".rstrip()
        for event in shown
    ]
    counts: dict[str, int] = {}
    for event in events:
        counts[event["event"]] = counts.get(event["event"], 0) + 1
    summary = ", ".join(f"{count} x {name}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1])[:SHOWN_EVENTS])
    older = len(events) - len(shown)
    more = [f"... {older} earlier ones"] if older else []
    return "\n".join([f"{len(events)} arrived: {summary}", *more, *lines])


def _clipped(properties: JSON) -> str:
    text = json.dumps(properties, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."
