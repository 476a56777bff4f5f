"""A body or an event id that comes again is stored once, wherever a kill, a flush or a restart comes in between."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from conftest import Serve
from crash_rig import INGEST, Connection, Server, body_of, dated, event, identified, now_ms, numbers_in_files, wait_for

WINDOW_S = 5
"""Longer than two starts of a server take. Where the machine is slower than that, what depends on it isn't asserted."""


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment + 0.05 - time.monotonic()))


def is_over(server: Server, stored: float) -> bool:
    """Whether the machine was slower than the window, so that a repetition was stored; else it was not."""
    found = server.numbers()
    assert found == Counter(["again"]) or time.monotonic() > stored + WINDOW_S, found
    return found != Counter(["again"])


def nothing(server: Server) -> None:
    pass


def kill(server: Server) -> None:
    server.kill()
    server.start()


def stop(server: Server) -> None:
    assert server.stop() == 0
    server.start()


def stop_twice(server: Server) -> None:
    stop(server)
    stop(server)


def stop_then_kill(server: Server) -> None:
    stop(server)
    server.store(dated("another"))
    kill(server)


def flush_then_kill(server: Server) -> None:
    """The server has to have been told to flush early."""
    wait_for(lambda: server.metric("sv_events_held") == 0, "the flush")
    kill(server)


BETWEEN = [nothing, kill, stop, stop_twice, stop_then_kill, flush_then_kill]


def settings_for(between: Callable[[Server], None]) -> dict[str, str]:
    return {"SV_FLUSH_SECONDS": "0.2"} if between is flush_then_kill else {}


@pytest.mark.parametrize("between", BETWEEN)
def test_a_body_that_comes_again_gets_the_first_answer_and_is_stored_once(
    serve: Serve, between: Callable[[Server], None]
) -> None:
    server = serve(**settings_for(between)).start()
    body = body_of([event("good", at_ms=now_ms()), {"event": ""}, event("fine", at_ms=now_ms())])
    first = server.store(body)
    assert first["accepted"] == 2
    assert [error["index"] for error in first["errors"]] == [1]
    between(server)
    assert server.store(body) == first
    assert server.store(body) == first
    found = server.numbers()
    assert (found["good"], found["fine"]) == (1, 1)
    assert server.metric("sv_ingest_retries_total") == 2
    assert server.stop() == 0
    in_files = numbers_in_files(server.folder)
    assert (in_files["good"], in_files["fine"]) == (1, 1)


@pytest.mark.parametrize("between", BETWEEN)
def test_an_event_id_that_comes_again_is_stored_once(serve: Serve, between: Callable[[Server], None]) -> None:
    server = serve(**settings_for(between), SV_RETRY_WINDOW_SECONDS="0").start()
    server.store(identified("one", "two"))
    between(server)
    answer = server.store(identified("two", "three", "three"))
    assert answer["accepted"] == 3, "a repeated one counts as accepted"
    found = server.numbers()
    assert (found["one"], found["two"], found["three"]) == (1, 1, 1)
    between(server)
    server.store(identified("one", "two", "three", "four"))
    found = server.numbers()
    assert (found["one"], found["two"], found["three"], found["four"]) == (1, 1, 1, 1)
    assert server.stop() == 0
    in_files = numbers_in_files(server.folder)
    assert (in_files["one"], in_files["two"], in_files["three"], in_files["four"]) == (1, 1, 1, 1)


def test_a_body_whose_answer_nobody_read_is_stored_once_when_it_comes_again_after_the_kill(serve: Serve) -> None:
    server = serve().start()
    body, other = dated("unread"), identified("unread by id")
    connections = [Connection(server.port) for _ in range(2)]
    for connection, sent in zip(connections, (body, other), strict=True):
        connection.raw().request("POST", INGEST, sent, {"Content-Type": "application/json"})
    wait_for(lambda: server.metric("sv_events_accepted_total") == 2, "both to be stored")
    server.kill()
    for connection in connections:
        connection.close()
    server.start()
    assert server.store(body) == {"status": "accepted", "accepted": 1, "rejected": 0, "errors": []}
    server.store(other)
    assert server.numbers() == Counter(["unread", "unread by id"])


def test_a_body_is_stored_again_once_the_window_is_over(serve: Serve) -> None:
    server = serve(SV_RETRY_WINDOW_SECONDS=str(WINDOW_S)).start()
    body = dated("again")
    server.store(body)
    stored = time.monotonic()
    kill(server)
    server.store(body)
    stop(server)
    server.store(body)
    if is_over(server, stored):
        return
    sleep_until(stored + WINDOW_S)
    server.store(body)
    stored = time.monotonic()
    assert server.numbers() == Counter({"again": 2})
    kill(server)
    assert server.numbers() == Counter({"again": 2}), "a replay tells a repetition within the window from one after it"
    server.store(body)
    now = time.monotonic()
    assert server.numbers() == Counter({"again": 2}) or now > stored + WINDOW_S
    sleep_until((stored if now <= stored + WINDOW_S else now) + WINDOW_S)
    stop(server)
    server.store(dated("other"))
    stop(server)
    assert len(list((server.folder / "retries").iterdir())) == 1, "what the window has left behind is deleted"


def test_an_event_id_is_stored_again_once_its_window_is_over(serve: Serve) -> None:
    server = serve(SV_EVENT_ID_WINDOW_SECONDS=str(WINDOW_S), SV_RETRY_WINDOW_SECONDS="0").start()
    server.store(identified("again"))
    stored = time.monotonic()
    stop(server)
    server.store(identified("again"))
    if is_over(server, stored):
        return
    sleep_until(stored + WINDOW_S)
    server.store(identified("again"))
    stored = time.monotonic()
    assert server.numbers() == Counter({"again": 2})
    kill(server)
    assert server.numbers() == Counter({"again": 2})
    server.store(identified("again"))
    assert server.numbers() == Counter({"again": 2}) or time.monotonic() > stored + WINDOW_S


def test_events_that_carry_neither_time_nor_id_are_stored_as_often_as_they_come(serve: Serve) -> None:
    server = serve().start()
    body = body_of([event("each")])
    server.store(body)
    server.store(body)
    kill(server)
    server.store(body)
    assert server.numbers() == Counter({"each": 3})


def test_many_at_once_with_the_same_body_store_it_once(serve: Serve) -> None:
    server = serve().start()
    body = dated("crowd")
    answers: list[object] = []
    crowd = [threading.Thread(target=lambda: answers.append(server.store(body))) for _ in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert answers == [{"status": "accepted", "accepted": 1, "rejected": 0, "errors": []}] * 16
    assert server.numbers() == Counter(["crowd"])
