"""`sv dev` in a process of its own, for as long as this one lives.

Answers for starting it on a free port, with none of this process's settings, and for its end: when `stop` is called, and also when this
process is killed without a chance to call it, since the server stops when the pipe to its standard input closes. Its data is a throwaway
folder of its own making. Standard library alone.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, Final

START_S: Final = 60.0
"""A start takes a fifth of a second; a machine that is busy with everything else may take long."""

STOP_S: Final = 30.0
TAIL_BYTES: Final = 4096


class NoServer(Exception):
    """The server didn't start; the message says why."""


class DevServer:
    """Started by making one. Raises NoServer.

    arguments: more of them for `sv dev`. url: its address. pid: its process.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
        # `-P`, or a folder `sv` beside the tests would be what is started.
        command = [sys.executable, "-P", "-m", "sv", "dev", "--port", "0", "--json", "--stop-on-eof", *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with the arguments of who runs the tests
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        try:
            ready = self._introduction()
        except BaseException:
            self._process.kill()
            self.stop()
            raise
        self.url: str = ready["url"]
        self.pid = self._process.pid

    def log_tail(self) -> str:
        """The end of what the server wrote on standard error."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), TAIL_BYTES, max(size - TAIL_BYTES, 0)).decode(errors="replace").strip()

    def stop(self) -> None:
        """End it, by force where asking doesn't help."""
        process = self._process
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._log.close()

    def _introduction(self) -> dict[str, Any]:
        """The line of JSON that says that it is ready."""
        assert self._process.stdout is not None
        reading, line = self._process.stdout.fileno(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(reading, selectors.EVENT_READ)
            until_s = time.monotonic() + START_S
            while not line.endswith(b"\n"):
                if not selector.select(max(until_s - time.monotonic(), 0)):
                    raise NoServer(f"sv dev had not started after {START_S:.0f} s\n{self.log_tail()}")
                piece = os.read(reading, 65_536)
                if not piece:
                    status = self._process.wait(STOP_S)
                    raise NoServer(f"sv dev ended with status {status} before it was ready\n{self.log_tail()}")
                line += piece
        ready: dict[str, Any] = json.loads(line)
        return ready
