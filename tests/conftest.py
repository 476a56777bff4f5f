"""What all tests have in common: what they cost, and how what they measured stands at the end of a run."""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import slipcover


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
    if measured := os.environ.get("SLIPCOVER_COVERAGE_DIR"):
        _tell_coverage(terminalreporter, Path(measured) / "merged.json")


def _tell_coverage(terminalreporter: pytest.TerminalReporter, merged: Path) -> None:
    """What slipcover's plugin has put together of all workers: by itself it would be told after the line that says how the tests went."""
    terminalreporter.section("coverage")
    slipcover.print_coverage(json.loads(merged.read_bytes()), outfile=terminalreporter, skip_covered=True)
