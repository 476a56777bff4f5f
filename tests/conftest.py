"""What tests measured stands at the end of a run, also under `-q` and where workers ran them: each `record_property("size", …)` is a line."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    sizes = sorted(str(value) for report in reports for name, value in report.user_properties if name == "size")
    if sizes:
        terminalreporter.section("sizes")
        for line in sizes:
            terminalreporter.line(line)
