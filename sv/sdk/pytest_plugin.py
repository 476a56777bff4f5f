"""The pytest plugin: a fixture `sv_server`, one server a session, empty at the start of each test that asks for it.

Answers for the server's life within a run of pytest, and for showing what had arrived beside a test that failed. pytest imports this module
in every project of an environment that Session Vision is installed in, so it imports nothing but pytest; the rest comes with the first test
that asks. Each worker of pytest-xdist has a server of its own. What the fixture offers is `sv.sdk.testing.SvServer`.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sv.sdk.testing import SvServer

_FIXTURE = "sv_server"
_SECTION = "Session Vision"
_RUNNING: "pytest.StashKey[SvServer]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("Session Vision")
    group.addoption(
        "--sv-url",
        metavar="URL",
        help="let sv_server be the `sv dev` that runs at this address (in a container beside the tests, say) instead of starting one",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sv_keep: sv_server keeps for this test what arrived before it")


@pytest.fixture(scope="session")
def sv_server_args() -> list[str]:
    """Further arguments of `sv dev`. Override it to give some: `["--fixed-clock", "2026-01-31T12:00:00Z"]`."""
    return []


@pytest.fixture(scope="session")
def sv_server(request: pytest.FixtureRequest, sv_server_args: list[str]) -> "Generator[SvServer]":
    """A server of this session's own, with its address, its credentials, and helpers that ask what arrived."""
    from sv.sdk.dev_server import DevServer, NoServer
    from sv.sdk.testing import SvServer

    config = request.config
    url = config.getoption("--sv-url")
    if url is not None:
        if hasattr(config, "workerinput"):
            pytest.fail(
                "--sv-url names one server, and the workers of pytest-xdist would empty it under each other", pytrace=False
            )
        config.stash[_RUNNING] = server = _running_at(url)
        yield server
        return
    try:
        started = DevServer(sv_server_args)
    except NoServer as fault:
        pytest.fail(str(fault), pytrace=False)
    config.stash[_RUNNING] = server = SvServer(started.url, pid=started.pid, log_tail=started.log_tail)
    try:
        yield server
    finally:
        del config.stash[_RUNNING]
        started.stop()


def _running_at(url: str) -> "SvServer":
    """The `sv dev` there, emptied. Fails the test where there is none."""
    from sv.sdk.testing import Refused, SvServer

    server = SvServer(url)
    try:
        server.reset()
    except Refused as refused:
        fault = f"what answers at {url} is no `sv dev`, which alone can be emptied and has its credentials: {refused}"
    except (OSError, ValueError) as error:
        fault = f"no answer from {url}: {error}; expected the address of an `sv dev` that runs, such as http://127.0.0.1:8000"
    else:
        return server
    pytest.fail(f"--sv-url: {fault}", pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empty the server before each test that asks for it but the first, whose server is new."""
    server = _server_of(item)
    if server is not None and item.get_closest_marker("sv_keep") is None:
        server.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell with a failure what had arrived, and what the server complained of."""
    report = yield
    server = _server_of(item) if report.failed and report.when != "teardown" else None
    if server is not None:
        report.sections.append((f"{_SECTION}: what arrived", server.describe()))
        if complaints := server.log_tail():
            report.sections.append((f"{_SECTION}: the server's log", complaints))
    return report


def _server_of(item: pytest.Item) -> "SvServer | None":
    """The server that runs, where the test asks for it."""
    names: Any = getattr(item, "fixturenames", ())
    return item.config.stash.get(_RUNNING, None) if _FIXTURE in names else None
