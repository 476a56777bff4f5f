"""Disks that refuse: a small one that can be filled, system calls that fail on demand, and a bound on the size of files."""

import contextlib
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from crash_rig import Server, wait_for

CHUNK_BYTES = 64 * 1024
TRACER_STOP_S = 3.0

WRITING_CALLS = "pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat"
"""What changes a file or a name. Not `write`, by which answers go out too."""


class SmallDisk:
    """A file system of its own on `path`, of a few megabytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free

    def fill(self) -> None:
        """Leave not one byte."""
        with (self.path / "filling").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(CHUNK_BYTES))
        assert self.free_bytes == 0

    def empty(self) -> None:
        (self.path / "filling").unlink()

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True)


@contextlib.contextmanager
def mounted_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """A file system of its own of `size` bytes; fails the test, saying why, where nobody lets us mount."""
    path.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], capture_output=True, text=True)
    if mount.returncode:
        pytest.fail(f"mounting a small disk takes root; run this test as root: {mount.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextlib.contextmanager
def limited_file_size(server: Server, limit_bytes: int) -> Iterator[None]:
    """No file of the server may grow beyond this, or be written beyond it: a write across it is cut short, the next one fails."""
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


class Injection:
    """strace on a running server. `hits` are the calls that it made fail, with the paths of their files."""

    def __init__(self, output: Path) -> None:
        self._output = output

    @property
    def hits(self) -> list[str]:
        return [line for line in whole_calls(self._output.read_text(errors="replace")) if line.endswith("(INJECTED)")]

    def hits_on(self, part_of_path: str) -> int:
        return sum(part_of_path in line for line in self.hits)


def whole_calls(trace: str) -> Iterator[str]:
    """The lines of a trace, a call each. One during which another thread's began is in two, the second without the file's path."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        thread, _, call = line.partition(" ")
        if call.endswith(" <unfinished ...>"):
            begun[thread] = line.removesuffix(" <unfinished ...>")
        elif call.lstrip().startswith("<... "):
            yield begun.pop(thread, thread) + call.partition(" resumed>")[2]
        else:
            yield line


@contextlib.contextmanager
def injected(server: Server, output: Path, rules: Sequence[str], paths: Sequence[Path] = ()) -> Iterator[Injection]:
    """Have system calls of the running server fail: rules as in `fdatasync:error=EIO:when=1..3`, counted for each thread.

    paths: only calls on these files.
    """
    strace = shutil.which("strace")
    assert strace, "these tests need strace (apt-get install strace)"
    calls = ",".join(rule.partition(":")[0] for rule in rules)
    words = [strace, "-f", "-qq", "-y", "-o", str(output), "-p", str(server.process.pid), "-e", f"trace={calls}"]
    for rule in rules:
        words += ["-e", f"inject={rule}"]
    for path in paths:
        words += ["-P", str(path)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            wait_for(lambda: tracer.poll() is not None or _is_traced(server.process.pid), "strace to attach")
            assert tracer.poll() is None, f"strace can't attach: {tracer.stderr.read() if tracer.stderr else ''}"
            yield Injection(output)
        finally:
            tracer.terminate()
            try:
                tracer.wait(TRACER_STOP_S)
            except subprocess.TimeoutExpired:  # it may wait for ever for a process that died under it
                tracer.kill()


def _is_traced(pid: int) -> bool:
    """Whether every thread is traced; one that has just ended counts as such."""
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            if re.search(r"^TracerPid:\t0$", status.read_text(), re.MULTILINE):
                return False
    return True
