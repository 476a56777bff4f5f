"""`sv` in a process of its own that does something to itself at a given place: with BEGIN, and then `begin()`."""

import os
import sys
from pathlib import Path

from tests import forked

BEGIN = """
import os, signal, sys, weakref
import sv.cli, sv.cli.sample, sv.server

def begin(hang_up=signal.SIG_DFL):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, hang_up)
    sys.exit(sv.cli.main())

def signalled_before(place, name, number, times=1):
    was = getattr(place, name)
    def signal_and_go_on(*given, **named):
        for _ in range(times):
            os.kill(os.getpid(), number)
        return was(*given, **named)
    setattr(place, name, signal_and_go_on)

def dropped(number):
    # As in what Python runs by the way, where an exception goes no further.
    class Held: pass
    held = Held()
    watched = weakref.ref(held, lambda _: os.kill(os.getpid(), number))
    del held
"""


def ended(folder: Path, code: str, *words: str) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SV_")} | {"TMPDIR": str(folder)}
    done = forked.run(
        [sys.executable, "-c", BEGIN + code, *words, "--port", "0", "--json"], env=environment, text=True, timeout=60
    )
    return done.returncode, done.stderr
