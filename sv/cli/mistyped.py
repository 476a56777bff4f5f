"""Finds environment variables that nothing reads although they look like a setting: somebody mistyped one.

Never complains about a variable that something else reads, nor about one that only begins like a setting: others set variables of their
own.
"""

from collections.abc import Mapping
from typing import Final

from sv.cli.server_access import COMMAND_VARIABLES
from sv.settings import mistyped_variables

_OTHERS: Final = (*COMMAND_VARIABLES, "SV_EXECUTABLE_CACHE", "SV_SCREENSHOTS")
"""Of commands, of `sv` as one file, and of the browser's tests."""

_OTHER_PREFIXES: Final = ("SV_BENCH_", "SV_CRASH_")
"""Of benchmarks and of the tests that crash it."""


def mistyped(environment: Mapping[str, str]) -> list[str]:
    """A line for each."""
    looked_at = {name: value for name, value in environment.items() if not name.startswith(_OTHER_PREFIXES)}
    return mistyped_variables(looked_at, _OTHERS)
