"""What all tests have in common: what they cost, and how what they measured stands at the end of a run."""

import gc
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

import coverage
import pytest

REPEATING: Final = (
    "tests/http/openapi/test_openapi_fuzz.py",
    "tests/http/openapi/test_openapi_statuses.py",
    "tests/http/test_http_bad_input.py",
    "tests/unit/cli/test_cli_plan_file.py",
    "tests/unit/imports/test_imports_blocks.py",
    "tests/unit/model/test_calendar.py",
    "tests/unit/model/test_hostile_input.py",
    "tests/unit/model/test_search.py",
    "tests/unit/sample/test_sample_shop.py",
    "tests/unit/sample/test_sample_stories.py",
)
"""Coverage doesn't look at these, which run the same lines a thousand times: to count them would cost up to as much as running them, and
others run these lines too. Some more say it of themselves."""

TRACED_CASES: Final = 1
"""Of one test with parameters: the further ones hardly reach a line that the first doesn't."""

_cases: Counter[str] = Counter()


def pytest_itemcollected(item: pytest.Item) -> None:
    test, has_parameters, _ = item.nodeid.partition("[")
    _cases[test] += 1
    if item.nodeid.startswith(REPEATING) or (has_parameters and _cases[test] > TRACED_CASES):
        item.add_marker("untraced")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """SCAR: not by pytest-cov's `no_cover`: in a worker of pytest-xdist coverage then goes back to what was begun before, and traces on."""
    if item.get_closest_marker("untraced") is None:
        return (yield)
    tracing, tracing_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        return (yield)
    finally:
        sys.settrace(tracing)
        threading.settrace(tracing_threads)  # type: ignore[arg-type]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Have Python's collector pass over the ten thousand tests themselves, which live to the end: a fifth of what it costs to find them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Also under `-q` and where workers ran them: each `record_property("size", …)` is a line."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    sizes = sorted(str(value) for report in reports for name, value in report.user_properties if name == "size")
    if sizes:
        terminalreporter.section("sizes")
        for line in sizes:
            terminalreporter.line(line)
    if config.getoption("cov_source", None) and not config.getoption("no_cov") and list(config.getoption("cov_report")) == [""]:
        _tell_coverage(terminalreporter)


def _tell_coverage(terminalreporter: pytest.TerminalReporter) -> None:
    """What pytest-cov, where it is told to report nothing (`--cov-report=`), has measured: it would take every file apart twice, once for a
    total."""
    measured = coverage.Coverage()
    measured.load()
    terminalreporter.section("coverage")
    measured.report(skip_covered=True, file=terminalreporter)
