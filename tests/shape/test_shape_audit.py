"""What `./task audit` makes of the tools' reports: nothing that wasn't looked at passes for good."""

import importlib.util
from typing import Any

from tests.shape.repository import ROOT

SPEC = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
assert SPEC is not None
assert SPEC.loader is not None
audit: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-2026-1"}]}
SKIPPED = {"name": "odd", "skip_reason": "not found: odd (3.0)"}
NPM_GOOD = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 111}}}
NPM_BAD = NPM_GOOD | {"vulnerabilities": {"bad": {"severity": "high", "range": "<2"}}}
NPM_REFUSED = {"message": "405 Method Not Allowed", "error": {}}


def outcome(pip: list[dict[str, Any]], npm: dict[str, Any]) -> tuple[int, list[str]]:
    looked = [audit.read_pip_audit({"dependencies": pip}), audit.read_npm_audit(npm)]
    return audit.exit_code(looked), list(audit.told(looked))


def test_all_was_looked_at_and_nothing_is_known() -> None:
    assert outcome([GOOD, GOOD], NPM_GOOD) == (0, ["audit: 113 packages were looked at"])


def test_what_is_known_is_named_whatever_else_was_skipped() -> None:
    code, lines = outcome([GOOD, BAD, SKIPPED], NPM_BAD)
    assert code == 1
    assert "audit: known: bad 2.0: PYSEC-2026-1" in lines
    assert "audit: known: bad: high, <2" in lines


def test_packages_that_were_skipped_are_no_good_news() -> None:
    assert outcome([SKIPPED, SKIPPED], NPM_GOOD) == (
        3,
        ["audit: 111 packages were looked at", "audit: not looked at: 2 Python packages, such as: not found: odd (3.0)"],
    )


def test_a_service_that_refuses_is_no_good_news() -> None:
    code, lines = outcome([GOOD], NPM_REFUSED)
    assert code == 3
    assert "audit: not looked at: the web app's packages: 405 Method Not Allowed" in lines
