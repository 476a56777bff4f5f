"""What waits for being decoded: bounded in bytes and in time, and small requests never behind large ones."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import sv.ingest.capture as module
from sv.ingest.capture import ORDINARY_BODY_BYTES, Ack, Capture, Committed
from sv.ingest.decode import is_dense
from sv.ingest.one_by_one import decode_slowly
from sv.ingest.rates import Rates
from sv.ingest.retries import Retries
from sv.model.errors import NotAuthenticated, SvError, Unavailable

NOW = 1_760_000_000_000
KNOWN = {"t": "p"}


class Done:
    """A commit of the log."""

    fault: Exception | None = None

    def __init__(self, seq: int, tag: object) -> None:
        self.seq: int | None = seq
        self.tag: Any = tag


class Log:
    """One that is as quick as it can be."""

    queued_bytes = 0

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self.count = 0

    def append(self, payload: bytes, tag: object = None) -> None:
        self.count += 1
        commits: list[Committed] = [Done(self.count, tag)]
        threading.Thread(target=self._capture.on_commits, args=(commits,)).start()


class Lab:
    """A Capture, whose large bodies are decoded once `go` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, max_held_bytes: int = 1 << 30, retry_window_ms: int = 0) -> None:
        self.now_ms = NOW
        self.go = threading.Event()
        self.begun = threading.Event()
        self.capture = Capture(
            project_of=KNOWN.get,
            accept=lambda _: None,
            held_bytes=lambda: 0,
            max_held_bytes=max_held_bytes,
            retries=Retries(retry_window_ms),
            now_ms=lambda: self.now_ms,
            rates=Rates(0, 0, time.monotonic),
        )

        def decode(*given: Any) -> Any:
            self.begun.set()
            assert self.go.wait(20)
            return decode_slowly(*given)

        monkeypatch.setattr(module, "decode_slowly", decode)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def opened() -> None:
            self.capture.open(Log(self.capture), asyncio.get_running_loop())
            await work()

        asyncio.run(opened())

    def send(self, body: bytes) -> "asyncio.Task[Ack]":
        return asyncio.ensure_future(self.capture.capture(body, "", "", None))


def body_of(*events: Any, token: str = "t", padding: int = 0) -> bytes:
    return json.dumps({"projectToken": token, "events": events, "padding": [[]] * padding}).encode()


GOOD = {"event": "e", "userId": "u"}
DENSE = body_of(GOOD, padding=100_000)
SMALL = body_of(GOOD, {"event": 5, "userId": "u"})


async def begins(lab: Lab) -> None:
    assert await asyncio.to_thread(lab.begun.wait, 20)


def test_small_requests_with_a_bad_event_are_not_behind_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    assert is_dense(DENSE)
    assert len(SMALL) < ORDINARY_BODY_BYTES

    async def work() -> None:
        large = [lab.send(DENSE) for _ in range(3)]
        await begins(lab)
        small = await lab.send(SMALL)
        assert json.loads(small.body)["accepted"] == 1
        assert not any(task.done() for task in large)
        lab.go.set()
        assert [json.loads((await task).body)["accepted"] for task in large] == [1, 1, 1]

    lab.run(work)


def test_what_waits_is_bounded_in_bytes_and_what_is_beyond_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch, max_held_bytes=5 * len(DENSE))

    async def work() -> None:
        tasks = [lab.send(DENSE) for _ in range(4)]
        await begins(lab)
        refused = [task for task in tasks if task.done()]
        assert len(refused) == 2
        for task in refused:
            with pytest.raises(Unavailable, match="too many large requests"):
                await task
        lab.go.set()
        assert [(await task).status for task in tasks if task not in refused] == [202, 202]
        assert (await lab.send(DENSE)).status == 202  # there is room again

    lab.run(work)


def test_who_waits_too_long_or_for_a_server_that_ends_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    monkeypatch.setattr(module, "MAX_ASIDE_WAIT_S", 0.2)

    async def work() -> None:
        first = lab.send(DENSE)
        await begins(lab)
        with pytest.raises(Unavailable, match="too many large requests"):
            await lab.send(DENSE)
        monkeypatch.setattr(module, "MAX_ASIDE_WAIT_S", 20)
        second = lab.send(DENSE)
        await asyncio.sleep(0.05)
        lab.capture.is_closing = True
        lab.go.set()
        assert (await first).status == 202
        with pytest.raises(Unavailable, match="shutting down"):
            await second

    lab.run(work)


@pytest.mark.parametrize(
    "body",
    [
        body_of(*[{"event": 5}] * 3000, token="nobody's", padding=100_000),
        body_of(GOOD, token="nobody's", padding=100_000).replace(b'"nobody', b'"\\u006eobody'),
        b'{"projectToken":"nobody\'s","events":[' + b"[" * 5000 + b"]" * 5000 + b"]" + b" " * 70_000 + b"}",
    ],
)
def test_nothing_is_spent_on_the_events_of_a_token_that_nobody_has(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    lab = Lab(monkeypatch)
    lab.go.set()

    async def work() -> None:
        with pytest.raises(NotAuthenticated, match="project token"):
            await lab.send(body)

    lab.run(work)


def test_nor_on_a_body_with_words_for_numbers_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    lab.go.set()
    sent = {**GOOD, "properties": {"rates": [float("nan"), float("-inf")], "NaN": "Infinity"}}
    monkeypatch.setitem(KNOWN, "tNaN", "p")

    async def work() -> None:
        for token in ("t", "tNaN"):
            assert (await lab.send(body_of(sent, token=token))).status == 202
        monkeypatch.setattr(module, "decode", None)
        with pytest.raises(NotAuthenticated, match="project token"):
            await lab.send(body_of(sent, token="nobody's"))

    lab.run(work)


def test_decoys_of_a_token_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    decoys = [{**GOOD, "properties": {"projectToken": f"x{nth}"}} for nth in range(20)]

    async def work() -> None:
        body = json.dumps({"events": [*decoys, {"event": 5}], "projectToken": "t"}).encode()
        assert json.loads((await lab.send(body)).body)["accepted"] == 20
        with pytest.raises(SvError):
            await lab.send(body.replace(b'"t"}', b'"other"}'))

    lab.run(work)


@pytest.mark.parametrize("count", [1, 500])
def test_rejections_are_told_again_however_many_they_are_and_many_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    too_late = [{**GOOD, "timestamp": NOW + 86_400_001, "properties": {"n": n}} for n in range(count)]
    body = body_of({**GOOD, "timestamp": NOW}, *too_late)
    lab = Lab(monkeypatch, retry_window_ms=600_000)

    async def work() -> None:
        first = await lab.send(body)
        lab.now_ms += 60_000  # by now they are early enough
        assert await lab.send(body) == first
        assert json.loads(first.body)["rejected"] == len(json.loads(first.body)["errors"]) == count
        assert lab.capture.rejected.report("p").rejected == count
        assert lab.capture.retries._bytes < 600

    lab.run(work)
    assert lab.capture._log.count == 1
