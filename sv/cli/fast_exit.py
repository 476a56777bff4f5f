"""Ends a command's process as Python does, but without tearing down every module, which is a quarter of what a short command costs."""

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn


def exit_fast(code: int) -> NoReturn:
    """End with this exit code: wait for threads, run the exit handlers, flush the output."""
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - as Python does it itself
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - likewise
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # the stream is closed, or there is none
            stream.flush()
    os._exit(code)
