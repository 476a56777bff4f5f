"""What a command that fails says: one line a person can act on, never a trace for a fault that has a name.

Imports next to nothing, so that nothing of a command comes before it.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Generator
from typing import ClassVar, Final

_OUTPUT_REFUSES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What writing to a file or a terminal fails with, though it was open. A disk's own faults have names, or the name of a file."""


class Outcome:
    """A command's exit code. interrupted: that of one which a signal ended, by default Ctrl+C's."""

    code: int = 0
    interrupted: ClassVar[int] = 130


@contextlib.contextmanager
def telling_failures() -> Generator[Outcome]:
    """Turn named errors into a line on standard error and the exit code that they name. Errors without a name keep their trace."""
    outcome = Outcome()
    try:
        try:
            yield outcome
        except KeyboardInterrupt:
            outcome.code = outcome.interrupted
        except UnicodeEncodeError as error:
            given = error.object[error.start : error.end]
            if not all("\udc80" <= sign <= "\udcff" for sign in given):  # what Python makes of an argument's bytes
                raise
            outcome.code = 2
            _tell(f"expected arguments in UTF-8, got {os.fsencode(error.object)!r}")
        except Exception as error:
            from sv.model.errors import SvError

            if not isinstance(error, SvError):
                raise
            outcome.code = error.exit_code
            _tell(error.message)
        finally:
            if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] - a process may be started without one
                sys.stdout.flush()
    except BrokenPipeError:
        # What read our output has gone; nothing may be written to it at exit either.
        drop_output()
        outcome.code = 1
    except OSError as error:
        if error.errno not in _OUTPUT_REFUSES or error.filename is not None:
            raise
        drop_output()
        outcome.code = 1
        _tell(f"the output can't be written: {error.strerror}")


def _tell(message: str) -> None:
    with contextlib.suppress(OSError):  # of a terminal that was closed, too
        for line in message.splitlines():
            print(f"sv: {_visible(line)}", file=sys.stderr)


def _visible(line: str) -> str:
    """A message may quote what somebody sent, or a foreign server: nothing in it may control the terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def drop_output() -> None:
    """Have what is printed from now on, and what was and isn't written yet, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
