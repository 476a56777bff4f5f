"""`kill -9` while definitions are folded, read and flushed: afterwards they count what the events say, once each."""

import http.client
import threading

from conftest import Serve
from crash_rig import PROJECT, Server, wait_for
from storm_rig import BUSY, Writer

KILLS = 4
FURTHER = 150
"""Events acknowledged between two kills."""


class Lister(threading.Thread):
    """Has definitions folded and listed all the time, whoever answers."""

    def __init__(self, server: Server) -> None:
        super().__init__(name="lister")
        self._server = server
        self.answers = 0
        self.is_ending = False

    def run(self) -> None:
        while not self.is_ending:
            try:
                self._server.ask("GET", f"{PROJECT}/property_definitions")
                self.answers += 1
            except (OSError, http.client.HTTPException):
                continue


def counts(server: Server, query: str = "") -> dict[str, int]:
    """Events by the property that they have."""
    status, _, content = server.ask("GET", f"{PROJECT}/property_definitions?limit=1000{query}")
    assert status == 200, content
    return {each["name"]: each["event_count"] for each in content["data"]}


def wait_for_more(writers: list[Writer], lister: Lister) -> None:
    """Until so many further events are acknowledged and a list was answered."""
    enough = sum(len(writer.acknowledged) for writer in writers) + FURTHER
    answers = lister.answers
    wait_for(
        lambda: sum(len(writer.acknowledged) for writer in writers) >= enough and lister.answers > answers,
        "events and lists between two kills",
        timeout_s=60,
    )


def test_definitions_count_each_event_once_after_kills_at_any_moment(serve: Serve) -> None:
    server = serve(**BUSY).start()
    writers = [Writer(f"w{nth}", server, nth, pause_s=0.03) for nth in range(3)]
    lister = Lister(server)
    threads = [*writers, lister]
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            wait_for_more(writers, lister)
            server.kill()
            server.start()
    finally:
        for thread in threads:
            thread.is_ending = True
        for thread in threads:
            thread.join()
    assert [writer.failure for writer in writers] == [None] * len(writers)
    numbers = server.numbers()
    assert set(numbers.values()) == {1}
    found = counts(server)
    assert (found["n"], found["$browser"]) == (len(numbers), len(numbers))
    assert counts(server, "&event=crash") == found
    assert server.stop() == 0
    server.start()
    assert counts(server) == found
