"""Are there known holes in what the locks pin?   ./task audit

Asks pip-audit for the Python packages and npm for the web app's, which ask services on the network. What neither of them could look at is
no good news, and is said.

Exit codes: 0 everything was looked at and nothing is known; 1 something is known; 3 nothing is known, and not everything could be looked
at.
"""

# ruff: noqa: S603, T201 - a command line that prints, and starts fixed programs

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ("requirements-dev.lock",)
"""It contains the other one."""
PATIENCE_S: Final = 30
NOT_ALL: Final = 3


class Looked(NamedTuple):
    """How many packages were looked at, what is known of them, and why others were not looked at."""

    packages: int
    known: list[str]
    missing: list[str]


def read_pip_audit(report: dict[str, Any]) -> Looked:
    """SCAR: it says "No known vulnerabilities found", and exits with 0, where it skipped every package."""
    found: list[dict[str, Any]] = report["dependencies"]
    looked_at = [package for package in found if "skip_reason" not in package]
    known = [f"{one['name']} {one['version']}: {hole['id']}" for one in looked_at for hole in one["vulns"]]
    skipped = len(found) - len(looked_at)
    reason = next((package["skip_reason"] for package in found if "skip_reason" in package), "")
    return Looked(len(looked_at), known, [f"{skipped} Python packages, such as: {reason}"] * bool(skipped))


def read_npm_audit(report: dict[str, Any]) -> Looked:
    if "vulnerabilities" not in report:
        return Looked(0, [], [f"the web app's packages: {report.get('message', 'npm gave no report')}"])
    known = [f"{name}: {hole['severity']}, {hole['range']}" for name, hole in sorted(report["vulnerabilities"].items())]
    return Looked(int(report["metadata"]["dependencies"]["total"]), known, [])


def ask_pip_audit(lock: str) -> Looked:
    tool = ["pip-audit"] if shutil.which("pip-audit") else ["uvx", "pip-audit"]
    words = [*tool, "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json", "-r", lock]
    report = _report(words, ROOT)
    return Looked(0, [], [f"{lock}: pip-audit gave no report"]) if report is None else read_pip_audit(report)


def ask_npm() -> Looked:
    report = _report(["npm", "audit", "--json"], ROOT / "ui")
    return read_npm_audit(report or {})


def _report(words: Sequence[str], folder: Path) -> dict[str, Any] | None:
    """What the tool says as JSON; None where it isn't here, takes too long or says something else."""
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
        report = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return report if isinstance(report, dict) else None


def told(all_looked: Sequence[Looked]) -> Iterator[str]:
    yield f"audit: {sum(looked.packages for looked in all_looked)} packages were looked at"
    for looked in all_looked:
        yield from (f"audit: known: {line}" for line in looked.known)
        yield from (f"audit: not looked at: {line}" for line in looked.missing)


def exit_code(all_looked: Sequence[Looked]) -> int:
    if any(looked.known for looked in all_looked):
        return 1
    return NOT_ALL if any(looked.missing for looked in all_looked) else 0


def main() -> int:
    all_looked = [*(ask_pip_audit(lock) for lock in LOCKS), ask_npm()]
    for line in told(all_looked):
        print(line)
    return exit_code(all_looked)


if __name__ == "__main__":
    sys.exit(main())
