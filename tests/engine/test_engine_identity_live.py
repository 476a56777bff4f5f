"""Merged identity while events come in: a question counts nobody twice whose events are among those that it sees."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.batch import VERSION, Batch, encode_batch
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.server import Server
from sv.settings import Settings
from tests.engine.rig import NOON

DATES = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
FUNNEL = parse_funnel_query(DATES | {"steps": [{"event": "came"}, {"event": "bought"}]}, timezone="UTC", now_ms=NOON)
PERSONS = parse_trends_query(
    DATES | {"events": [{"name": "came", "math": "unique_persons"}, {"name": "bought", "math": "unique_persons"}]},
    timezone="UTC",
    now_ms=NOON,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(Settings(data=tmp_path, flush_seconds=3600.0), clock=lambda: NOON + 3_600_000)
    made.open()
    made.projects.create("P", token="sv_pub_p", now_ms=0, project_id="p")
    made.load_services()
    yield made
    made.close()


def visit(server: Server, name: str) -> None:
    """Somebody comes without a login, and buys with one: both in one request, so that no moment lies between them."""
    events: list[dict[str, Any]] = [
        {"event": "came", "timestamp": NOON, "anonymousId": f"device of {name}"},
        {"event": "bought", "timestamp": NOON + 1000, "anonymousId": f"device of {name}", "userId": name},
    ]
    batch = Batch(VERSION, "p", NOON, 2, "", None, b"", b"", msgspec.json.encode(events))
    server.store_now(batch, encode_batch(batch))


@pytest.mark.parametrize("is_flushed", [False, True])
def test_events_that_come_while_a_question_begins_are_in_it_with_their_users_or_not_at_all(
    server: Server, monkeypatch: pytest.MonkeyPatch, is_flushed: bool
) -> None:
    for name in ("ann", "bob"):
        visit(server, name)
    if is_flushed:
        server.maintenance.flush()
        visit(server, "eve")
    asked: list[str] = []
    fold = server.rollups.catch_up

    def fold_and_go_on() -> None:
        fold()
        asked.append(f"late {len(asked)}")
        visit(server, asked[-1])
        server.store.catch_up()  # as any other question has it

    monkeypatch.setattr(server.rollups, "catch_up", fold_and_go_on)
    server.load_services()
    runner = server.runner
    assert runner is not None

    def both(context: Context) -> tuple[list[int], list[int]]:
        steps = [step["count"] for step in funnel(context, FUNNEL)["steps"]]
        return steps, [line["total"] for line in trends(context, PERSONS)["series"]]

    async def ask() -> tuple[list[int], list[int]]:
        return await runner.run("p", (FUNNEL.dates.from_ms, FUNNEL.dates.to_ms), both, is_merged=True)

    there = 3 if is_flushed else 2
    for nth in range(3):
        steps, persons = asyncio.run(ask())
        assert steps == persons == [there + nth] * 2
    assert len(asked) == 3
