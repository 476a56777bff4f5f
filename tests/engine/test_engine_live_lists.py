"""One person's and one session's events while more come in: those of one request are all in an answer, or none of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sv.cli.credentials import DEV, DevServer, dev_credentials
from sv.model.batch import VERSION, Batch, encode_batch
from sv.settings import Settings
from tests.engine.rig import NOON


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    made = DevServer(Settings(data=tmp_path, flush_seconds=3600.0))
    made.open()
    dev_credentials(made)
    yield made
    made.close()


def put(server: DevServer, **at_ms: int) -> None:
    """A request of ann's, in one session, of events by their names."""
    events: list[dict[str, Any]] = [
        {"event": name, "timestamp": NOON + at, "userId": "ann", "sessionId": "s"} for name, at in at_ms.items()
    ]
    batch = Batch(VERSION, DEV.project_id, NOON, len(events), "", None, b"", b"", msgspec.json.encode(events))
    server.store_now(batch, encode_batch(batch))


@asynccontextmanager
async def asking(server: DevServer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(await server.front.load())
    headers = {"Authorization": f"Bearer {DEV.api_token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
        yield client


@pytest.mark.parametrize("whose", ["persons/ann", "sessions/s"])
def test_events_that_come_while_the_look_up_is_made_are_in_the_answer_whole_or_not_at_all(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    put(server, x=0, y=60_000)
    fold = server.rollups.catch_up
    rounds: list[int] = []

    def fold_and_go_on() -> None:
        fold()
        if len(rounds) < 3:
            rounds.append(len(rounds))
            put(server, **{f"before{len(rounds)}": -1000 * len(rounds), f"amid{len(rounds)}": 1000 * len(rounds)})
            server.store.catch_up()  # as any other question has it

    monkeypatch.setattr(server.rollups, "catch_up", fold_and_go_on)

    async def ask() -> list[set[str]]:
        found: list[set[str]] = []
        async with asking(server) as client:
            for _ in range(4):
                answer = await client.get(f"/api/v1/projects/{DEV.project_id}/{whose}/events")
                assert answer.status_code == 200, answer.text
                found.append({event["event"] for event in answer.json()["data"]})
        return found

    found = asyncio.run(ask())
    assert found[-1] == {"x", "y", *(f"{name}{nth}" for name in ("before", "amid") for nth in (1, 2, 3))}
    for names in found:
        assert {name.removeprefix("before") for name in names if name.startswith("before")} == {
            name.removeprefix("amid") for name in names if name.startswith("amid")
        }
