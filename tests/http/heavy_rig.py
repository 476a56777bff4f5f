"""A server some of whose questions are hard: trends of the event `forever` count in the database without end, those of `arithmetic` in Python;
those of `sort` sort several times what the engine's memory holds, and those of `hoard` need it at once.

Everything else about them is as with any other: the route, the line, the threads, and what stops them.
"""

import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from http_rig import Api, Running, running

CODE = """
import sys
from sv.cli import main
from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.sql import Sql

FOREVER = "select count(*) from range(10000000) a(i), range(10000000) b(j) where hash(i, j) = 7"
SORT = "select max(h) from (select h, i, row_number() over (order by h, i) as n from (select hash(i) as h, i from range(12000000) r(i))) where n > 5"
HOARD = "select len(list(repeat(i::varchar, 1000))) from range(3000000) t(i)"
HARD = {"forever": FOREVER, "sort": SORT, "hoard": HOARD}
trend = DuckEngine.trend

def heavy_trend(self, snapshot, scope, matcher, *rest):
    limits = rest[-1]
    if matcher.event in HARD:
        self._statements.rows(Sql(HARD[matcher.event], {}), limits)
    while matcher.event == "arithmetic":
        limits.check()
    return trend(self, snapshot, scope, matcher, *rest)

DuckEngine.trend = heavy_trend
sys.argv[0] = "sv"
sys.exit(main())
"""
WAIT_S = 60.0


@contextmanager
def heavy_server(**settings: Any) -> Iterator[Running]:
    environment = {f"SV_{name.upper()}": str(value) for name, value in settings.items()}
    with running("dev", environment=environment, code=CODE) as server:
        yield server


_days = itertools.count()


def question(event: str) -> dict[str, Any]:
    """A question that is like no other one lately: those would share its run."""
    return {
        "events": [{"name": event}],
        "date_from": f"2025-{1 + next(_days) % 5:02d}-{1 + next(_days) % 28:02d}",
        "date_to": "2025-06-15",
    }


@contextmanager
def asking(api: Api, body: dict[str, Any]) -> Iterator[socket.socket]:
    """A client that has asked for trends and waits for the answer. It hangs up when the block ends."""
    host, _, port = api.server.url.removeprefix("http://").partition(":")
    content = json.dumps(body).encode()
    head = (
        f"POST {api.path('insights/trends')} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sv_dev\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as client:
        client.sendall(head.encode() + content)
        yield client


def eventually(holds: Callable[[], bool]) -> None:
    """Look until it holds; fails where it doesn't within a generous time."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def counted(api: Api, name: str, **labels: str) -> float:
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return api.metric(f"{name}{{{wanted}}}")


def in_line(api: Api, kind: str = "query") -> tuple[float, float]:
    """How many run and how many wait."""
    return counted(api, "sv_queries_running", kind=kind), counted(api, "sv_queries_waiting", kind=kind)
