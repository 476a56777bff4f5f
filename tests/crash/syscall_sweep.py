"""Fail each system call of a life of a data folder in turn, by strace, and look at what a restart answers.

    .venv/bin/python tests/crash/syscall_sweep.py                     everything: some hours
    .venv/bin/python tests/crash/syscall_sweep.py --call fdatasync --kind EIO
    .venv/bin/python tests/crash/syscall_sweep.py --scenario begin --most 12

For each call, each group of files and each kind of fault, n = 1, 2, 3 … until a life comes to its end without meeting the fault. After each
the folder is opened again, the client sends what was never acknowledged, and the answers must be those of a life without a fault; no
`.tmp` is left, nothing is set aside, no segment of the log is written after a failure. Prints a table; exit code 1 where anything was wrong.
"""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from folder_rig import now_ms
from life_rig import Life
from sweep_rig import KINDS, Fault, find_calls, lived, make_template, paths_of, problems

MOST_FAULTS = 2000
"""Of one call on one group of files."""


@dataclass
class Row:
    """What the sweep of one call on one group of files found, by kind of fault: how many lives met it."""

    call: str
    group: str
    calls: int
    met: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Sweep:
    """One scenario, measured without a fault first."""

    work: Path
    scenario: str

    def __post_init__(self) -> None:
        self.base_ms = now_ms()
        self.template = make_template(self.work / "template", self.base_ms) if self.scenario == "live" else None
        plain = self.work / "plain"
        life = lived(plain, self.base_ms, template=self.template)
        assert life.exit_code == 0, life.said
        self.calls = find_calls(life, plain)
        self.paths = paths_of(life, plain, self.base_ms)
        assert problems(plain, self.base_ms, life, None) == []
        self.expected = self._answers(plain)
        shutil.rmtree(plain)

    def _answers(self, folder: Path) -> dict[str, Any]:
        life = Life(folder, self.base_ms, lambda name: None)
        try:
            return life.answers()
        finally:
            life.close()

    def meets(self, fault: Fault) -> tuple[bool, list[str]]:
        """Whether a life with the fault met it, and what was wrong afterwards."""
        self._refresh()
        folder = self.work / "life"
        shutil.rmtree(folder, ignore_errors=True)
        life = lived(folder, self.base_ms, fault, self.template)
        if life.exit_code not in (0, 3) and not life.is_hit:
            return False, [f"{fault}: ended with {life.exit_code}: {life.said[-400:]}"]
        return life.is_hit, [f"{fault}: {line}" for line in problems(folder, self.base_ms, life, self.expected)]

    def _refresh(self) -> None:
        """Bodies of long ago would be no retries any more."""
        if now_ms() - self.base_ms > 120_000:
            self.base_ms = now_ms()


def sweep(one: Sweep, row: Row, kind: str, most: int) -> Iterator[str]:
    """Run a row's lives for one kind of fault, `most` of them spread over a row that has more; yields what is wrong as it is found."""
    every = max(1, -(-row.calls // most))
    for nth in range(1, MOST_FAULTS if every == 1 else row.calls + 1, every):
        is_hit, wrong = one.meets(Fault(row.call, row.group, one.paths[row.group], kind, nth))
        row.wrong += wrong
        yield from wrong
        if not is_hit:
            if nth == 1:
                row.wrong.append(f"{kind} at {row.call} of {row.group}: no life met it")
                yield row.wrong[-1]
            return
        row.met[kind] = row.met.get(kind, 0) + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=["live", "begin"], help="one of the two: a life, or the first start of a folder")
    parser.add_argument("--call", action="append", help="these calls alone")
    parser.add_argument("--group", help="one group of files alone, such as log")
    parser.add_argument("--kind", action="append", choices=KINDS, help="these faults alone")
    parser.add_argument("--most", type=int, default=MOST_FAULTS, help="so many n of a row at most, spread over it (all)")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began, lives, failed = time.monotonic(), 0, 0
    for scenario in [args.scenario] if args.scenario else ["live", "begin"]:
        with tempfile.TemporaryDirectory(prefix="sv-sweep-") as work:
            one = Sweep(Path(work), scenario)
            print(f"{scenario}\n{'call':12} {'files':16} {'calls':>5}  " + "  ".join(f"{kind:>8}" for kind in KINDS) + "  wrong")
            for (call, group), calls in sorted(one.calls.items()):
                if (args.call and call not in args.call) or (args.group and group != args.group):
                    continue
                row = Row(call, group, calls)
                for kind in args.kind or KINDS:
                    for line in sweep(one, row, kind, args.most):
                        print(f"  {line}", flush=True)
                met = "  ".join(f"{row.met.get(kind, 0):>8}" for kind in KINDS)
                print(f"{call:12} {group:16} {calls:>5}  {met}  {len(row.wrong):>5}", flush=True)
                lives, failed = lives + sum(row.met.values()), failed + len(row.wrong)
    print(f"{lives} lives with a fault in {time.monotonic() - began:.0f} s, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
