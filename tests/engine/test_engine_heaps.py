"""Threads share a few of the C library's heaps, or each would keep what it once held; what is large is in none of them."""

import os
import subprocess
import sys

from sv.engine.heaps import ARENAS, ARROW_POOL

COUNT = """
import ctypes, sys, tempfile, threading
from sv.engine.heaps import bound_heaps

c = ctypes.CDLL(None)
c.fopen.restype = ctypes.c_void_p
c.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "shared":
    bound_heaps()
together = threading.Barrier(6)

def hold():
    together.wait()
    c.malloc(ctypes.c_size_t(5000))
    together.wait()

threads = [threading.Thread(target=hold) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile("r") as told:
    stream = c.fopen(told.name.encode(), b"w")
    c.malloc_info(0, ctypes.c_void_p(stream))
    c.fclose(ctypes.c_void_p(stream))
    print(told.read().count("<heap "))
"""


KEEP = """
import ctypes, sys
from sv.engine.heaps import bound_heaps

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "bound":
    bound_heaps()

def held(size):
    block = c.malloc(ctypes.c_size_t(size))
    ctypes.memset(ctypes.c_void_p(block), 1, size)
    return block

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

c.free(ctypes.c_void_p(held(30 << 20)))  # which teaches glibc that the like belongs into a heap
before = resident_mb()
large = []
for _ in range(12):
    large.append(held(8 << 20))
    held(200_000)
for block in large:
    c.free(ctypes.c_void_p(block))
print(resident_mb() - before)
"""

POOL = """
import sys
import sv.cli.running, sv.server
from sv.engine.heaps import share_heaps_with_arrow

assert "pyarrow" not in sys.modules
share_heaps_with_arrow()
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


SPARE = """
import ctypes, resource, sys
from sv.engine.heaps import bound_heaps

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "bound":
    bound_heaps()
else:
    c.mallopt(-3, 4 << 20)  # without which glibc would learn to keep as much

def use():
    blocks = [c.malloc(ctypes.c_size_t(1 << 20)) for _ in range(4)]
    for block in blocks:
        ctypes.memset(ctypes.c_void_p(block), 1, 1 << 20)
    for block in blocks:
        c.free(ctypes.c_void_p(block))

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

use()
before = faults()
for _ in range(10):
    use()
print(faults() - before)
"""


def said(code: str, how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", code, how], check=True, capture_output=True, text=True).stdout)


def test_threads_bound_heaps() -> None:
    assert said(COUNT, "apart") > ARENAS
    assert said(COUNT, "shared") == ARENAS


def test_what_was_large_leaves_memory_though_something_small_stays_behind_it() -> None:
    assert said(KEEP, "as it is") > 80
    assert said(KEEP, "bound") < 8


def test_what_was_given_back_is_there_for_the_next_who_asks() -> None:
    assert said(SPARE, "as it is") > 5000
    assert said(SPARE, "bound") < 500


def test_a_servers_arrow_has_no_heaps_of_its_own_unless_somebody_chose_so() -> None:
    def pool(env: dict[str, str]) -> str:
        return subprocess.run([sys.executable, "-c", POOL], env=env, check=True, capture_output=True, text=True).stdout.strip()

    unchosen = {name: value for name, value in os.environ.items() if name != ARROW_POOL}
    assert pool(unchosen) == "system"
    assert pool({**unchosen, ARROW_POOL: "jemalloc"}) == "jemalloc"
