"""What this process may use: the memory and the cores that the machine has and its control group allows.

Answers for Linux control groups of both versions, where a container's limits are, and for the machine
itself elsewhere. Assumes the usual mount points below `root`, which tests replace. Never fails: what can't
be read sets no limit.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path("/")

_UNLIMITED: Final = 2**60
"""Version 1 writes "no limit" as a number just below 2^63, rounded to pages."""

_FALLBACK_MEMORY: Final = 2**30
"""Where not even the machine says what it has."""


def memory_allowed(root: Path = ROOT) -> int:
    """Bytes of memory: the machine's, or the least that a control group on the way to ours allows."""
    found = [_machine_memory()]
    for folder in _folders(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _first_word(folder / name)
            if text.isdigit() and 0 < int(text) < _UNLIMITED:
                found.append(int(text))
    return min(found)


def cores_allowed(root: Path = ROOT) -> int:
    """Cores: those that the process may run on, or the time of so many that its control groups allow, rounded up."""
    found = [_usable_cores()]
    for folder in _folders(root, "cpu"):
        words = _words(folder / "cpu.max")
        if not words:
            words = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        if len(words) == 2 and all(word.isdigit() and int(word) > 0 for word in words):
            quota, period = int(words[0]), int(words[1])
            found.append(-(-quota // period))
    return max(1, min(found))


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # the name is unknown here; no answer; no sysconf at all
        return _FALLBACK_MEMORY


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The folders of our control group and its parents, in version 2 and for the controller in version 1.

    The paths in /proc are the host's, and inside a container often not to be found; the mount's top is ours
    then.
    """
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            mount = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            mount = root / "sys/fs/cgroup" / controller
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            yield mount.joinpath(*parts[:depth])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)[:1]).split()


def _first_word(path: Path) -> str:
    return "".join(_words(path)[:1])
