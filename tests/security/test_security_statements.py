"""No text of anybody's is ever part of a statement: whatever is sent, by whatever route, the engine's and SQLite's statements are put together from
our words alone, and what was sent comes as bound values.

The server is in this process, so that each statement can be looked at. `tests/engine/test_engine_locked.py` is the second wall.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import apsw
import httpx
import pytest

from sv.cli.credentials import dev_credentials
from sv.engine.duck.database import Database
from sv.server import Server
from sv.settings import Settings
from sv.web.front import Front

WORD = "zq7w"
"""In all that is sent. Nothing of ours has it."""

SENT = f"{WORD}'\"`;--$p0"
NOON = 1_749_988_800_000  # 2025-06-15T12:00:00.000Z
DATES = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
OPERATORS = [
    "exact",
    "is_not",
    "icontains",
    "not_icontains",
    "regex",
    "not_regex",
    "gt",
    "gte",
    "lt",
    "lte",
    "is_set",
    "is_not_set",
]


class Watched:
    """A cursor of the engine's whose statements are noted."""

    def __init__(self, cursor: Any, noted: list[str]) -> None:
        self._cursor = cursor
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cursor, name)
        if name not in ("execute", "executemany", "sql", "query", "from_query"):
            return found

        def noting(statement: Any, *values: Any, **named: Any) -> Any:
            self._noted.append(str(statement))
            return found(statement, *values, **named)

        return noting


@pytest.fixture
def engine_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    noted: list[str] = []
    opened = Database.cursor

    @contextmanager
    def cursor(self: Database) -> Iterator[Any]:
        with opened(self) as found:
            yield Watched(found, noted)

    monkeypatch.setattr(Database, "cursor", cursor)
    return noted


@pytest.fixture
def sqlite_statements() -> Iterator[list[str]]:
    noted: list[str] = []

    def note(_: Any, statement: str, __: Any) -> bool:
        noted.append(statement)
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = note

    apsw.connection_hooks.append(hook)
    yield noted
    apsw.connection_hooks.remove(hook)


@asynccontextmanager
async def serving(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    is_up = asyncio.Event()

    async def hear(message: Any) -> None:
        if message["type"] == "lifespan.startup.complete":
            is_up.set()

    life = asyncio.create_task(front({"type": "lifespan"}, told.get, hear))
    told.put_nowait({"type": "lifespan.startup"})
    await is_up.wait()
    transport = httpx.ASGITransport(front)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={"Authorization": "Bearer sv_dev"}) as client:
        yield client
    told.put_nowait({"type": "lifespan.shutdown"})
    await life


def events() -> list[dict[str, Any]]:
    chain = [{"tag_name": "a", "text": SENT, "attr_id": SENT, "classes": [SENT], "attributes": {"href": SENT}}]
    properties = {
        SENT: SENT,
        "n": 1,
        "$current_url": f"https://x/{SENT}",
        "$set": {SENT: SENT, "email": SENT},
        "$elements": chain,
    }
    fields = {"userId": SENT, "anonymousId": SENT, "sessionId": SENT, "groups": [SENT], "properties": properties}
    return [
        {"event": SENT, "timestamp": NOON, "eventId": str(uuid4()), **fields},
        {"event": SENT, "timestamp": NOON + 60_000, **fields | {"sessionId": None}},
        {"event": "$pageview", "timestamp": NOON + 90_000, **fields},
    ]


def filters() -> list[dict[str, Any]]:
    found = []
    for name in (SENT, "$current_url", "$browser", "$geoip", "$set." + SENT):
        for operator in OPERATORS:
            value: Any = {"regex": WORD, "not_regex": WORD + "x"}.get(operator, SENT)
            found.append({"property": name, "operator": operator} | ({} if operator.endswith("set") else {"value": value}))
    return [*found, {"property": SENT, "operator": "exact", "value": [SENT, 1, None, True]}]


RULES = [
    {"event": SENT, "filters": [{"property": SENT, "operator": "regex", "value": WORD}]},
    {"url": SENT, "url_match": "contains"},
    {"url": f"/{WORD}", "url_match": "exact"},
    {"url": WORD, "url_match": "regex"},
    {"selector": f'a.{WORD} > [href="{WORD}\'"]', "text": SENT},
]


async def ask_everything(client: httpx.AsyncClient) -> dict[str, int]:
    """Each route with the word wherever it takes text. Returns the status by what was asked."""
    project, name, found = "/api/v1/projects/dev", quote(SENT, safe=""), dict[str, int]()

    async def ask(method: str, path: str, label: str = "", **options: Any) -> Any:
        answer = await client.request(method, path if path.startswith("/api") else f"{project}/{path}", **options)
        found[f"{method} {path.partition('?')[0]} {label}"] = answer.status_code
        assert answer.status_code < 500, (path, answer.text)
        return answer.json() if answer.status_code < 300 and answer.headers.get("content-type") == "application/json" else None

    await ask("POST", "/api/v1/ingest/events", json={"projectToken": "sv_pub_dev", "events": events()})
    chunk = {
        "projectToken": "sv_pub_dev",
        "sessionId": SENT,
        "anonymousId": SENT,
        "userId": SENT,
        "chunkIndex": 0,
        "sizeBytes": 2,
    }
    await ask("POST", "/api/v1/ingest/recordings", json=chunk)
    for number, each in enumerate(filters()):
        listed = {"filters": json.dumps([each])}
        await ask("GET", "events", f"filter {number}", params=listed)
        await ask("POST", "insights/trends", f"filter {number}", json={"events": [{"name": SENT, "filters": [each]}], **DATES})
    for key in ("event", "distinct_id", "session_id"):
        page = await ask("GET", "events", key, params={key: SENT, "limit": 1})
        if page["meta"]["next_cursor"]:
            await ask("GET", "events", f"{key} on", params={key: SENT, "limit": 1, "cursor": page["meta"]["next_cursor"]})
    for key in ("search", "country", "device_type", "browser"):
        await ask("GET", "persons", key, params={key: SENT})
    for key in ("distinct_id", "entry_url", "country", "device_type", "browser"):
        await ask("GET", "sessions", key, params={key: SENT})
    for key in ("cursor", "date_from", "timezone", "order_by", SENT):
        for route in ("events", "persons", "sessions", "event_definitions", "property_definitions", "events/export/plan"):
            await ask("GET", route, key, params={key: SENT})
    for path in (f"persons/{name}", f"persons/{name}/events", f"persons/{name}/sessions", f"persons/{name}/export", f"sessions/{name}",
                 f"sessions/{name}/events", f"sessions/{name}/recording", f"events/{name}", f"imports/{name}", f"jobs/{name}",
                 f"action_definitions/{name}", f"insights/{name}", f"dashboards/{name}"):  # fmt: skip
        await ask("GET", path)
    await ask("GET", "property_definitions", "event", params={"event": SENT})
    for route in ("event_definitions", "property_definitions"):
        await ask("PATCH", f"{route}/{name}", json={"description": SENT})
    wanted = {"filters": json.dumps(filters()[:1]), **DATES}
    await ask("GET", "events/export", params={"format": "csv", "event": SENT, **wanted})
    made = await ask("POST", "action_definitions", json={"name": SENT + uuid4().hex, "description": SENT, "rules": RULES})
    for rule in RULES:
        await ask("POST", "action_definitions/preview", str(rule), json={"rules": [rule]})
    smart = {"action_id": made["id"]}
    for breakdown in (SENT, "$browser", "n"):
        for math in ("total", "unique_persons", "unique_sessions"):
            body = {"events": [{"name": SENT, "math": math}, smart], "breakdown": breakdown, **DATES}
            await ask("POST", "insights/trends", f"{breakdown} {math}", json=body)
        steps = {"steps": [{"event": SENT, "properties": {SENT: SENT}}, smart], "breakdown": breakdown, **DATES}
        for aggregate in ("person", "session"):
            await ask("POST", "insights/funnel", f"{breakdown} {aggregate}", json={**steps, "aggregate_by": aggregate})
        await ask(
            "POST",
            "insights/funnel/persons",
            breakdown,
            json={**steps, "step": 1, "outcome": "converted", "breakdown_value": SENT},
        )
    by_value = {"events": [{"name": SENT, "math": "sum", "math_property": SENT}], **DATES}
    await ask("POST", "insights/trends", "math_property", json=by_value)
    await ask("POST", "insights/trends", "timezone", json={"events": [{"name": SENT}], "timezone": SENT, **DATES})
    overview = {"filters": [{"property": "$browser", "operator": "exact", "value": SENT}], **DATES}
    await ask("POST", "insights/overview", json=overview)
    await ask("POST", "insights", json={"name": SENT, "kind": "trends", "query": by_value})
    await ask("POST", "dashboards", json={"name": SENT, "description": SENT, "tiles": []})
    await ask("POST", "/api/v1/users", json={"email": f"{WORD}'@x.example", "name": SENT})
    await ask("POST", "/api/v1/api_tokens", json={"name": SENT, "scopes": ["read"], "project_id": "dev"})
    await ask("POST", "/api/v1/auth/login", json={"email": f"{WORD}'@x.example", "password": SENT})
    await ask("PATCH", "/api/v1/projects/dev", json={"name": SENT})
    await ask("POST", "/api/v1/projects", json={"name": SENT})
    await ask("POST", f"imports/{uuid4().hex}/chunks/1", content=b"{}")
    await ask("POST", f"persons/{name}/erase")
    return found


def test_what_is_sent_is_in_no_statement_and_is_answered_all_the_same(
    tmp_path: Path, engine_statements: list[str], sqlite_statements: list[str]
) -> None:
    settings = Settings(data=tmp_path / "data", memory_limit=256 << 20, threads=2, compact_seconds=0.0)
    server = Server(settings, is_dev=True)
    server.open()
    try:
        dev_credentials(server)

        async def all_of_it() -> tuple[dict[str, int], dict[str, int]]:
            async with serving(server.front) as client:
                waiting = await ask_everything(client)
                await asyncio.to_thread(server.maintenance.flush)
                return waiting, await ask_everything(client)

        for statuses in asyncio.run(all_of_it()):
            answered = sum(status < 300 for status in statuses.values())
            assert answered > 150, {what: status for what, status in statuses.items() if status >= 300}
    finally:
        server.close()
    assert len(engine_statements) > 300 and len(sqlite_statements) > 300
    for statement in (*engine_statements, *sqlite_statements):
        assert WORD not in statement, statement
