"""An export of a person while the server is busy: a page is tried again, and one that can't be had ends it without its last line."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import msgspec
import pytest

from sv.insights import export
from sv.insights.export import Exported, PersonExport
from sv.meta.projects import Project
from sv.model.errors import Unavailable
from sv.model.limits import EXPORT_TRIES
from sv.model.persons import Person

PROJECT = Project(id="p", name="p", timezone="UTC", settings=msgspec.Raw(b"{}"), created_ms=0)
ANN = Person(1, "ann", True, 0, 1, 1, 0, None, None, None, "{}")
NOTHING: dict[str, Any] = {"data": [], "meta": {"next_cursor": None, "has_more": False}}


class Busy:
    """A runner that refuses so many times; everything it reads is empty."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    async def run(self, *_: object, **__: object) -> dict[str, Any]:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("too many queries are waiting")
        return NOTHING

    async def call(self, _: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return work()


class Nothing:
    """Sessions and recordings of a person who has none."""

    def page(self, *_: object, **__: object) -> dict[str, Any]:
        return NOTHING

    def recorded(self, *_: object) -> set[str]:
        return set()

    def sessions_of(self, *_: object) -> list[str]:
        return []


NONE = Nothing()


class OneRecording(Nothing):
    """One session with a chunk. asked_on: the threads that were asked for its chunks."""

    def __init__(self) -> None:
        self.asked_on: list[str] = []

    def sessions_of(self, *_: object) -> list[str]:
        return ["s-1"]

    def list_chunks(self, project_id: str, session_id: str, origin: str, after: int) -> list[dict[str, Any]]:
        self.asked_on.append(threading.current_thread().name)
        return [{"index": 0, "size": 3, "url": ""}] if after < 0 else []


def exported(refusals: int, recordings: Any = NONE) -> tuple[list[str], bool]:
    """The lines' types, and whether it broke off."""
    nothing = cast("Any", NONE)
    lines: list[bytes] = []

    async def read(threads: ThreadPoolExecutor) -> bool:
        try:
            made = PersonExport(cast("Any", Busy(refusals)), nothing, nothing, recordings, threads)
            async for some in made.lines(PROJECT, Exported(ANN.distinct_id, ANN)):
                lines.extend(some.splitlines())
        except Unavailable:
            return True
        return False

    with ThreadPoolExecutor(1, "sv-recorded") as threads:
        broke_off = asyncio.run(read(threads))
    return [msgspec.json.decode(line)["type"] for line in lines], broke_off


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAUSE_S", 0.0)


def test_a_page_that_is_refused_is_tried_again() -> None:
    assert exported(EXPORT_TRIES - 1) == (["person", "end"], False)


def test_an_export_that_can_not_go_on_breaks_off_without_its_last_line() -> None:
    assert exported(EXPORT_TRIES) == (["person"], True)


def test_a_bucket_that_may_not_answer_is_asked_on_threads_of_its_own() -> None:
    """Or a few exports would hold all of asyncio's, and nobody could log in."""
    recordings = OneRecording()
    assert exported(0, recordings) == (["person", "recording", "end"], False)
    assert {name.split("_")[0] for name in recordings.asked_on} == {"sv-recorded"}
