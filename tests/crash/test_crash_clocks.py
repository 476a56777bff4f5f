"""Clocks that jump under load: a year ahead, ten days back, an hour back. Nothing acknowledged is lost, nothing is there twice."""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from conftest import Serve
from crash_rig import PROJECT, ROOT, Server, body_of, event, now_ms, numbers_in_files, temporary_files, wait_for
from storm_rig import BUSY, Writer

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
JUMPS_MS = (365 * DAY_MS, -10 * DAY_MS, 0, -HOUR_MS)


def jump(offset: Path, by_ms: int) -> None:
    fresh = offset.with_suffix(".new")
    fresh.write_text(str(by_ms))
    fresh.rename(offset)


def have_clocks(writers: Sequence[Writer], by_ms: int) -> None:
    """Until no writer sends what it dated before."""
    stored = [len(writer.acknowledged) for writer in writers]
    for writer in writers:
        writer.skew_ms = by_ms
    wait_for(
        lambda: all(len(writer.acknowledged) > count + 20 for writer, count in zip(writers, stored, strict=True)),
        "events by that clock",
    )


def test_a_clock_that_jumps_a_year_ahead_and_back_loses_and_doubles_nothing(serve: Serve, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    jump(offset, 0)
    words = [sys.executable, str(ROOT / "tests" / "crash" / "clock_victim.py"), str(offset)]
    server = serve(wrapper=words, **BUSY).start()
    writers = [Writer(f"w{nth}", server, random.Random(nth).getrandbits(64), pause_s=0.02) for nth in range(2)]
    for writer in writers:
        writer.start()
    before_ms = 0
    try:
        for by_ms in JUMPS_MS:
            # Never ahead of the server's clock: an event of tomorrow is refused, and rightly.
            have_clocks(writers, min(by_ms, before_ms))
            jump(offset, by_ms)
            have_clocks(writers, by_ms)
            before_ms = by_ms
            stored = [len(writer.acknowledged) for writer in writers]
            flushes = server.metric("sv_flushes_total")
            wait_for(
                lambda stored=stored, flushes=flushes: (
                    server.metric("sv_flushes_total") > flushes + 1
                    and all(len(writer.acknowledged) > before + 10 for writer, before in zip(writers, stored, strict=True))
                ),
                "events to be taken and flushed",
            )
            assert server.health()[0] == 200
            body = body_of([event(f"again {by_ms} {stored}", at_ms=now_ms() + by_ms)])
            first, second = server.store(body), server.store(body)
            assert first == second
            for writer in writers:
                assert writer.failure is None
    finally:
        for writer in writers:
            writer.is_ending = True
        for writer in writers:
            writer.join(30)
    acknowledged = set[str]().union(*(writer.acknowledged for writer in writers))
    _assert_all_there(server, acknowledged)
    server.kill()
    jump(offset, -5 * DAY_MS)
    server.start()
    _assert_all_there(server, acknowledged)
    assert server.stop() == 0
    assert "Traceback" not in server.all_logs
    found = numbers_in_files(server.folder)
    assert acknowledged - found.keys() == set()
    assert set(found.values()) == {1}
    assert temporary_files(server.folder) == []


def _assert_all_there(server: Server, acknowledged: set[str]) -> None:
    """Also what the server dated itself, a year ahead."""
    query = {"limit": "1000", "event": "crash", "date_from": "2020-01-01", "date_to": "2035-01-01"}
    found: list[str] = []
    while True:
        status, _, content = server.ask("GET", f"{PROJECT}/events?{urlencode(query)}")
        assert status == 200, content
        found += [event["properties"]["n"] for event in content["data"]]
        if not content["meta"]["has_more"]:
            break
        query["cursor"] = content["meta"]["next_cursor"]
    assert len(found) == len(set(found))
    assert acknowledged - set(found) == set()
