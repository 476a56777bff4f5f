"""Runs made-up inputs through what reads strangers' bytes, for as long as it is told to, and keeps those that something fell over.

    python tests/security/fuzz.py --target all --seconds 60
    python tests/security/fuzz.py --target body --seconds 3600 --seed 7 --clock processor

With `atheris` installed (`pip install atheris`) and --engine atheris, inputs are made by what they reach in the code; otherwise by changing
right ones, those that had a new outcome being changed further. Exit code 1 where anything fell: each input is in tests/security/findings/TARGET,
which `test_security_fuzz.py` runs again for ever.
"""

import argparse
import functools
import hashlib
import logging
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "security")]

from fuzz_mutations import Mutator  # noqa: E402
from fuzz_targets import TARGETS, Run, seeds  # noqa: E402

FINDINGS: Final = ROOT / "tests" / "security" / "findings"
MAX_CORPUS: Final = 2000
MAX_FINDINGS: Final = 20
SLOW_S: Final = 5.0
"""Of one input. Nothing that strangers send may take so long."""

CLOCKS: Final = {"wall": time.monotonic, "processor": time.process_time}
"""What `--seconds` are counted by. A fuzzer that shares its machine has had an hour only after one of the processor's."""


STOP: Final = threading.Event()
"""Set once a signal said to end: what was tried until then is still said."""


def findings(target: str) -> list[Path]:
    folder = FINDINGS / target
    return sorted(folder.iterdir()) if folder.is_dir() else []


def judge(run: Run, data: bytes) -> tuple[str, str | None]:
    """(what became of the input, why it is a finding)."""
    started = time.process_time()
    try:
        outcome = run(data)
    except Exception:
        return "fell", traceback.format_exc()
    took = time.process_time() - started
    return outcome, f"took {took:.1f} s" if took > SLOW_S else None


def keep(target: str, data: bytes, why: str) -> Path:
    path = FINDINGS / target / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{target}: {path.name} ({len(data)} bytes): {why}", flush=True)
    return path


def fuzz(target: str, run: Run, seconds: float, seed: int, clock: Callable[[], float]) -> int:
    """How many inputs fell."""
    mutator, corpus, outcomes = Mutator(seed), seeds(target), set[str]()
    began, busy = clock(), time.process_time()
    tried = fell = 0
    faults: set[str] = set()
    for data in [*corpus, *(path.read_bytes() for path in findings(target))]:
        _, why = judge(run, data)
        fell += why is not None
        if why is not None:
            keep(target, data, why)
    while clock() - began < seconds and len(faults) < MAX_FINDINGS and not STOP.is_set():
        data = mutator.make(corpus)
        outcome, why = judge(run, data)
        tried += 1
        if why is not None:
            fault = "".join(why.splitlines()[-3:])[:200]  # of each kind of fault one input is enough
            if fault not in faults:
                faults.add(fault)
                keep(target, data, why)
                fell += 1
        elif outcome not in outcomes and len(corpus) < MAX_CORPUS:
            outcomes.add(outcome)
            corpus.append(data)
    minutes = (time.process_time() - busy) / 60
    print(
        f"{target}: {tried:,} inputs in {minutes:.1f} minutes of the processor, {len(outcomes)} outcomes, {fell} fell", flush=True
    )
    return fell


def fuzz_by_coverage(target: str, run: Run, seconds: float, seed: int) -> int:
    """The same by atheris, which ends the process at the first input that falls, having kept it."""
    import atheris

    atheris.instrument_all()

    def one(data: bytes) -> None:
        _, why = judge(run, data)
        if why is not None:
            keep(target, data, why)
            raise AssertionError(why)

    corpus = FINDINGS.parent / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds(target):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", f"-seed={seed}", "-max_len=65536", str(corpus)], one)
    atheris.Fuzz()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["all", *TARGETS], default="all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what the seconds are counted by")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=["mutation", "atheris"], default="mutation")
    args = parser.parse_args()
    logging.disable()
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    way = fuzz_by_coverage if args.engine == "atheris" else functools.partial(fuzz, clock=CLOCKS[args.clock])
    fell = 0
    for target in TARGETS if args.target == "all" else [args.target]:
        with TARGETS[target]() as run:
            fell += way(target, run, args.seconds, args.seed)
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
