"""One `sv dev` for all these tests (for each worker, where there are several), emptied before each test.

An answer of 500 or more, or a line in the server's log at level error, fails the test that caused it.
"""

from collections.abc import Iterator

import pytest
from http_rig import Api, Running, running


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    with running("dev") as started:
        yield started


@pytest.fixture(scope="session")
def client(server: Running) -> Iterator[Api]:
    with Api(server) as api:
        yield api


@pytest.fixture
def full(client: Api) -> Iterator[Api]:
    """The server as earlier tests left it, for tests to which its events do not matter."""
    yield client
    check(client)


@pytest.fixture
def api(client: Api) -> Iterator[Api]:
    """The server without an event."""
    client.reset()
    yield client
    check(client)


def check(client: Api) -> None:
    failures, client.failures = client.failures, []
    assert failures == []
    assert client.server.take_faults() == []
