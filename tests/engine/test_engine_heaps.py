"""Threads share a few of the C library's heaps, or each would keep what it once held."""

import subprocess
import sys

from sv.engine.heaps import ARENAS

COUNT = """
import ctypes, sys, tempfile, threading
from sv.engine.heaps import share_heaps

c = ctypes.CDLL(None)
c.fopen.restype = ctypes.c_void_p
c.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "shared":
    share_heaps()
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


def heaps_of(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", COUNT, how], check=True, capture_output=True, text=True).stdout)


def test_threads_share_heaps() -> None:
    assert heaps_of("apart") > ARENAS
    assert heaps_of("shared") == ARENAS
