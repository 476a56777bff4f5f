"""The command line: `sv COMMAND`, a file a command.

A command's module has `add_arguments(parser)` and `run(args) -> exit code`, and its docstring is its help, with examples. Only the
module of the command that runs is imported: start-up is a feature.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from sv import __version__

COMMANDS: Final = {
    "serve": "start the server on a data folder",
    "dev": "start a throwaway server with fixed credentials, for laptops and CI",
    "import": "take in events from NDJSON, CSV and Parquet files",
    "export": "write events to NDJSON, CSV and Parquet files",
    "project": "make, list, change and delete projects",
    "token": "make, list and revoke API tokens",
    "person": "erase a person",
    "user": "make, list and change users, who log in",
    "rejections": "show which events were rejected lately, and why",
    "check-events": "hold the events that arrived against a plan of them",
    "compact": "merge event files now",
    "config": "show every setting, its value and where it came from",
}

_EXAMPLES: Final = """\
examples:
  sv dev --sample          try it: a shop's events, fixed credentials, nothing kept
  sv serve --data data     keep events in the folder data/
  sv COMMAND --help        what a command does, with examples
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 it could not be done, 2 it was asked wrongly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    if command is None:
        return _top_level(arguments)
    module = importlib.import_module(f"sv.cli.{command.replace('-', '_')}_command")
    summary, _, details = (module.__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog=f"sv {command}",
        description=summary,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    from sv.cli.failures import telling_failures

    with telling_failures() as outcome:
        outcome.code = module.run(parser.parse_args(arguments[1:]))
    return outcome.code


def _top_level(arguments: list[str]) -> int:
    listed = "\n".join(f"  {name:<13} {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="sv",
        usage="sv COMMAND [OPTIONS]",
        description="Session Vision, self-hosted: product analytics with exact funnels, in one process.",
        epilog=f"commands:\n{listed}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sv {__version__}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    known, _ = parser.parse_known_args(arguments)
    if known.command is not None:
        parser.error(f"unknown command {known.command!r}; the commands are {', '.join(COMMANDS)}")
    parser.print_help()
    return 0 if not arguments else 2
