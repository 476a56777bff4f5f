"""A server's side: what a request for a chunk may say."""

import asyncio
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from imports_rig import FIREFOX, NOW, ROW, Folder

from sv.imports import receiving
from sv.imports.receiving import MAX_CHUNK_BODY_BYTES, Receiver
from sv.model.errors import InvalidParameter, PayloadTooLarge, SvError, Unavailable, UnsupportedMedia, ValidationFailed

IMPORT = "ab" * 16


@pytest.fixture
def receiver(folder: Folder) -> Receiver:
    return Receiver(folder.chunks, lambda: NOW)


def body(*batches: Any) -> bytes:
    return json.dumps({"batches": list(batches)}).encode()


def test_a_chunk_is_checked_stored_and_answered_for(folder: Folder, project: str, receiver: Receiver) -> None:
    bad = [{"event": ""}, ROW | {"timestamp": "never"}, 7]
    sent = body({"user_agent": FIREFOX, "events": [ROW, bad[0], ROW]}, {"events": [bad[1], ROW]}, {"events": [bad[2]]})
    answer = receiver.take(project, IMPORT, 6, gzip.compress(sent, mtime=0), "gzip")
    assert (answer.taken, answer.rejected, answer.already) == (3, 3, False)
    assert [(error.batch, error.index) for error in answer.errors] == [(0, 1), (1, 0), (2, 0)]
    assert sum(answer.rejected_by_code.values()) == 3
    again = receiver.take(project, IMPORT, 6, sent, "")
    assert (again.taken, again.rejected, again.already, again.errors) == (0, 0, True, [])
    assert receiver.state(project, IMPORT).chunks == [6]
    assert sorted(str(event["browser"]) for event in folder.events(project)) == ["Firefox", "Firefox", "None"]


def test_an_import_that_nobody_has_begun_has_no_chunks(project: str, receiver: Receiver) -> None:
    assert receiver.state(project, IMPORT).chunks == []


def test_text_is_repaired_as_in_ingest(folder: Folder, project: str, receiver: Receiver) -> None:
    sent = (
        body({"events": [ROW | {"userId": "NUL LONE BYTE"}]})
        .replace(b"NUL", b"\\u0000")
        .replace(b"LONE", b"\\udc00")
        .replace(b"BYTE", b"\xff")
    )
    assert receiver.take(project, IMPORT, 1, sent, "").taken == 1
    assert folder.events(project)[0]["user_id"] == "\ufffd \ufffd \ufffd"


def test_of_many_rejections_the_first_are_listed_and_all_counted(project: str, receiver: Receiver) -> None:
    answer = receiver.take(project, IMPORT, 1, body({"events": [{}] * 90}, {"events": [{}] * 90}), "")
    assert (answer.rejected, len(answer.errors), sum(answer.rejected_by_code.values())) == (180, 100, 180)


@pytest.mark.parametrize(
    ("head", "item", "tail", "told", "times"),
    [
        ('{"batches":[{"events":[', "0", "]}]}", r"batches\[0\]: expected at most 2000 events", 400_000),
        ('{"batches":[', '{"events":0}', "]}", "expected at most 25000 batches", 400_000),
        ('{"batches":[{"events":[{"event":"', "\\u0000\\ud800", '"}]}]}', "", 100_000),
        ('{"batches":[{"events":[{"event":"e","userId":"u","properties":{"a":[', "[]", "]}}]}]}", "", 400_000),
    ],
)
def test_a_body_of_very_many_parts_is_refused_in_a_few_times_its_memory(
    project: str, receiver: Receiver, head: str, item: str, tail: str, told: str, times: int
) -> None:
    sent = (head + ",".join([item] * times) + tail).encode()
    tracemalloc.start()
    try:
        if told:
            with pytest.raises(PayloadTooLarge, match=told):
                receiver.take(project, IMPORT, 1, sent, "")
        else:
            assert receiver.take(project, IMPORT, 1, sent, "").rejected == 1
        assert tracemalloc.get_traced_memory()[1] < 10 * (len(sent) + times)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", [0, -1, 2**53, -(2**70)])
def test_a_chunk_number_is_a_place(project: str, receiver: Receiver, number: int) -> None:
    with pytest.raises(InvalidParameter, match="chunk_no"):
        receiver.take(project, IMPORT, number, body(), "")


@pytest.mark.parametrize(
    ("data", "encoding", "fault"),
    [
        (b"", "", InvalidParameter),
        (b"{", "", InvalidParameter),
        (b"\xff", "", InvalidParameter),
        (b'{"batches":[{"user_agent":"\xff","events":[]}]}', "", ValidationFailed),
        (b'{"batches":' + b"[" * 100_000, "", ValidationFailed),
        (b'{"batches":[{"events":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "", InvalidParameter),
        (b"[]", "", ValidationFailed),
        (b"{}", "", ValidationFailed),
        (b'{"batches":{}}', "", ValidationFailed),
        (b'{"batches":[[]]}', "", ValidationFailed),
        (b'{"batches":[{}]}', "", ValidationFailed),
        (b'{"batches":[],"more":1}', "", ValidationFailed),
        (b'{"batches":[{"events":[],"userAgent":""}]}', "", ValidationFailed),
        (b'{"batches":[{"events":[{}],"user_agent":5}]}', "", ValidationFailed),
        (b'{"batches":[{"events":[]}]}', "", ValidationFailed),
        (b'{"batches":[{"events":null}]}', "", ValidationFailed),
        (b'{"batches":[{"events":{}}]}', "", ValidationFailed),
        (b'{"batches":[{"events":"[]"}]}', "", ValidationFailed),
        (body({"events": [ROW] * 2001}), "", PayloadTooLarge),
        (body(*[{"events": [ROW] * 2000}] * 51), "", PayloadTooLarge),
        (b"not gzip", "gzip", InvalidParameter),
        (b"", "gzip", InvalidParameter),
        (gzip.compress(body(), mtime=0)[:-1], "gzip", InvalidParameter),
        (gzip.compress(body(), mtime=0) + b"x", "gzip", InvalidParameter),
        (gzip.compress(b" " * (65 << 20), 1, mtime=0), "gzip", PayloadTooLarge),
        (body(), "br", UnsupportedMedia),
        (body(), "x" * 1000, UnsupportedMedia),
    ],
)
def test_a_request_of_another_kind_is_refused_and_stores_nothing(
    folder: Folder, project: str, receiver: Receiver, data: bytes, encoding: str, fault: type[SvError]
) -> None:
    with pytest.raises(SvError) as refusal:
        receiver.take(project, IMPORT, 1, data, encoding)
    assert type(refusal.value) is fault
    assert len(refusal.value.message) < 500
    assert receiver.state(project, IMPORT).chunks == []
    assert folder.events(project) == []


def test_an_event_cannot_reach_out_of_its_list(folder: Folder, project: str, receiver: Receiver) -> None:
    sent = b'{"batches":[{"events":[{"event":"a","userId":"b","projectToken":"x"}],"user_agent":"],\\"projectToken\\":\\"y"}]}'
    assert receiver.take(project, IMPORT, 1, sent, "").taken == 1
    assert len(folder.events(project)) == 1


def test_only_so_many_uploads_of_a_project_and_of_all_are_let_in(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MAX_UPLOADS", 3)
    for _ in range(2):
        with receiver.admit("p"), receiver.admit("p"):
            with pytest.raises(Unavailable), receiver.admit("p"):
                pass
            with receiver.admit("q"), pytest.raises(Unavailable), receiver.admit("r"):
                pass


def test_so_many_bytes_of_uploads_are_here_at_once_and_no_more(receiver: Receiver) -> None:
    for _ in range(2):
        with receiver.admit("p") as arrive, receiver.admit("q") as arrive_too, receiver.admit("r") as arrive_last:
            arrive(MAX_CHUNK_BODY_BYTES - 10)
            with pytest.raises(Unavailable), receiver.admit("p") as arrive_beside:
                arrive_beside(11)
            arrive_too(MAX_CHUNK_BODY_BYTES)
            arrive_last(10)
            with pytest.raises(Unavailable):
                arrive_last(1)


def test_who_waits_long_for_a_turn_is_told_to_come_again(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MAX_TURN_WAIT_S", 0.0)

    async def check() -> None:
        for _ in range(2):
            async with receiver.turn():
                with pytest.raises(Unavailable):
                    async with receiver.turn():
                        pass

    asyncio.run(check())
