"""What a command that fails says: one line a person can act on, never a trace for a fault that has a name."""

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass


@dataclass(slots=True)
class Outcome:
    """A command's exit code."""

    code: int = 0


@contextlib.contextmanager
def telling_failures() -> Generator[Outcome]:
    """Turn named errors into a line on standard error and exit code 1. Errors without a name keep their trace."""
    from sv.model.errors import SvError

    outcome = Outcome()
    try:
        yield outcome
    except SvError as error:
        outcome.code = 1
        for line in error.message.splitlines():
            print(f"sv: {line}", file=sys.stderr)
    except KeyboardInterrupt:
        outcome.code = 130
    except BrokenPipeError:
        # What read our output has gone; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        outcome.code = 1
