"""Equal questions asked at the same time over HTTP: one run answers several, and each sees what was sent before it was asked."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from heavy_rig import asking, counted, eventually, heavy_server, in_line, question
from http_rig import MINUTE, NOON, Api, event

ASKERS = 6
ROUNDS = 8


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with heavy_server(max_concurrent_queries=1, flush_events=40) as server, Api(server) as made:
        yield made


def test_equal_questions_share_a_run_that_ends_when_the_last_asker_has_gone(api: Api) -> None:
    api.send(event("view"))
    same = question("forever")
    gone = counted(api, "sv_queries_stopped_total", reason="gone")
    shared = api.metric("sv_queries_shared_total")
    with asking(api, same):
        eventually(lambda: in_line(api) == (1, 0))
        with asking(api, same), asking(api, same):
            eventually(lambda: api.metric("sv_queries_shared_total") == shared + 2)
            assert in_line(api) == (1, 0)
            with asking(api, same | {"timezone": "Europe/Berlin"}):
                eventually(lambda: in_line(api) == (1, 1))
        eventually(lambda: in_line(api) == (1, 0))
        assert counted(api, "sv_queries_stopped_total", reason="gone") == gone
        api.send(event("view", "bob"))
        with asking(api, same):  # has to see what was sent, so it waits for a run of its own
            eventually(lambda: in_line(api) == (1, 1))
    eventually(lambda: in_line(api) == (0, 0))
    assert counted(api, "sv_queries_stopped_total", reason="gone") >= gone + 1


def test_everybody_reads_their_writes_while_many_write_and_ask_the_same(api: Api) -> None:
    api.reset()
    sent = 0
    lock = threading.Lock()
    body = question("written")
    shared = api.metric("sv_queries_shared_total")

    def write_and_ask(asker: int) -> None:
        nonlocal sent
        for number in range(ROUNDS):
            api.send(event("written", f"p{asker}", NOON - number * MINUTE - asker, eventNumber=number))
            with lock:
                sent += 1
                known = sent
            for _ in range(2):
                assert api.trends(**body)["series"][0]["total"] >= known

    with ThreadPoolExecutor(ASKERS) as pool:
        list(pool.map(write_and_ask, range(ASKERS)))
    assert api.trends(**body)["series"][0]["total"] == ASKERS * ROUNDS
    assert api.metric("sv_queries_shared_total") > shared
