"""Many questions at once: what waits, what is refused, what is stopped, and that the others are answered meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from heavy_rig import asking, counted, eventually, heavy_server, in_line, question
from http_rig import Api, event


@pytest.fixture(scope="module")
def one_place() -> Iterator[Api]:
    """A server that runs one insight at a time and has two more wait."""
    with heavy_server(max_concurrent_queries=1, query_queue_limit=2) as server, Api(server) as api:
        api.send(event("view"))
        yield api


def test_a_page_of_events_and_a_list_wait_for_no_insight(one_place: Api) -> None:
    with asking(one_place, question("forever")), asking(one_place, question("forever")):
        eventually(lambda: in_line(one_place) == (1, 1))
        assert [item["event"] for item in one_place.listed()] == ["view"]
        for listed in ("persons", "sessions", "event_definitions"):
            assert len(one_place.http.get(one_place.path(listed)).json()["data"]) == 1
        assert in_line(one_place)[0] == 1
    eventually(lambda: in_line(one_place) == (0, 0))


def test_an_insight_that_waits_for_too_long_is_refused_with_the_reason() -> None:
    with heavy_server(max_concurrent_queries=1, query_wait_seconds=0.5) as server, Api(server) as api:
        with asking(api, question("forever")):
            eventually(lambda: in_line(api) == (1, 0))
            answer = api.http.post(api.path("insights/trends"), json=question("view"))
        assert answer.status_code == 503
        assert answer.json() == {
            "error": "the query waited 0.5 s for its turn and was not run; try again, or ask less at the same time",
            "code": "UNAVAILABLE",
        }
        assert int(answer.headers["retry-after"]) >= 1
        assert counted(api, "sv_queries_refused_total", kind="query", reason="waited") == 1


def test_an_insight_that_finds_the_line_full_is_refused_at_once(one_place: Api) -> None:
    refused = counted(one_place, "sv_queries_refused_total", kind="query", reason="full")
    with ExitStack() as clients:
        for ahead in range(3):
            clients.enter_context(asking(one_place, question("forever")))
            eventually(lambda ahead=ahead: in_line(one_place) == (1, ahead))
        assert counted(one_place, "sv_queries_oldest_wait_seconds", kind="query") > 0
        answer = one_place.http.post(one_place.path("insights/trends"), json=question("view"))
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert "too many queries" in answer.json()["error"]
    assert counted(one_place, "sv_queries_refused_total", kind="query", reason="full") == refused + 1


@pytest.mark.parametrize("name", ["forever", "arithmetic"])
def test_an_insight_over_its_time_is_stopped_and_says_what_to_do(name: str) -> None:
    with heavy_server(query_timeout_seconds=1) as server, Api(server) as api:
        api.send(event("view"))
        answer = api.http.post(api.path("insights/trends"), json=question(name))
        assert answer.status_code == 503
        assert answer.json() == {
            "error": "the query took longer than 1 s and was stopped; ask for a shorter range, or raise SV_QUERY_TIMEOUT_SECONDS",
            "code": "UNAVAILABLE",
        }
        assert int(answer.headers["retry-after"]) >= 1
        assert counted(api, "sv_queries_stopped_total", reason="timeout") == 1
        # Asked until it is answered: a second isn't always enough where other programs take the processors.
        eventually(lambda: api.http.post(api.path("insights/trends"), json=question("view")).status_code == 200)


@pytest.mark.parametrize("name", ["forever", "arithmetic"])
def test_who_hangs_up_is_waited_for_no_more_and_the_next_insight_runs(one_place: Api, name: str) -> None:
    gone = counted(one_place, "sv_queries_stopped_total", reason="gone")
    for _ in range(10):  # each runs and is hung up on, with more behind it
        with ExitStack() as clients:
            for _ in range(3):
                clients.enter_context(asking(one_place, question(name)))
            eventually(lambda: in_line(one_place) == (1, 2))
        eventually(lambda: in_line(one_place) == (0, 0))
    assert counted(one_place, "sv_queries_stopped_total", reason="gone") >= gone + 10
    assert one_place.trends(**question("view"))["series"][0]["total"] == 1


def test_who_hangs_up_while_waiting_gives_the_turn_to_the_next(one_place: Api) -> None:
    with asking(one_place, question("forever")) as first:
        eventually(lambda: in_line(one_place) == (1, 0))
        with asking(one_place, question("arithmetic")):
            eventually(lambda: in_line(one_place) == (1, 1))
        eventually(lambda: in_line(one_place) == (1, 0))
        with asking(one_place, question("view")) as next_one:
            eventually(lambda: in_line(one_place) == (1, 1))
            first.close()
            assert next_one.recv(12) == b"HTTP/1.1 200"


def test_a_server_that_is_to_stop_tells_those_who_wait_for_an_insight_without_end() -> None:
    with heavy_server(max_concurrent_queries=1) as server, Api(server) as api:
        api.send(event("view"))
        with asking(api, question("forever")) as first, asking(api, question("forever")) as second:
            eventually(lambda: in_line(api) == (1, 1))
            server.process.terminate()
            for client in (first, second):
                answer = b"".join(iter(lambda client=client: client.recv(10_000), b""))
                assert answer.startswith(b"HTTP/1.1 503")
                assert b"the server is shutting down" in answer
        assert server.process.wait(30) == 0
