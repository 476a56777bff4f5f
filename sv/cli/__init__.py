"""The command line: `sv COMMAND`, a file a command.

A command's module has `add_arguments(parser)` and `run(args) -> exit code`, and its docstring is its help, with examples. Only the
module of the command that runs is imported: start-up is a feature.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from sv import __version__
from sv.cli.collector import collect_seldom
from sv.engine.sorting import sort_quickly

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
    "tail": "show events as they arrive",
    "funnel": "ask for a funnel, and draw it",
    "trends": "ask how events developed over time, and draw it",
    "sql": "ask one select statement of the events",
    "check-events": "hold the events that arrived against a plan of them",
    "completion": "print what completes commands and options in bash, zsh and fish",
    "compact": "merge event files now",
    "check": "look a data folder over, and make a lost catalog anew",
    "backup": "copy the data folder, beside a running server",
    "restore": "make a data folder of a copy",
    "config": "show every setting, its value and where it came from",
}

_RELATIVE: Final = re.compile(r"-\d+[a-z]+")
"""A relative date."""

_EXAMPLES: Final = """\
examples:
  sv dev --sample          try it: a shop's events, fixed credentials, nothing kept
  sv serve --data data     keep events in the folder data/
  sv COMMAND --help        what a command does, with examples
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 it could not be done, 2 it was asked wrongly."""
    if argv is None:
        sys.meta_path.insert(0, _NoPandas())
        sort_quickly()
        collect_seldom()
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    if command is None:
        return _top_level(arguments)
    module = _module(command)
    parser = _parser(command, module)
    from sv.cli.failures import telling_failures

    with telling_failures() as outcome:
        outcome.code = module.run(parser.parse_args(_joined(arguments[1:])))
    return outcome.code


class _NoPandas:
    """Has pyarrow believe that there is no pandas. Where there is one it would be imported, though nothing here uses it: most of a second
    before the first flush, and 40 MB."""

    # SCAR: not `sys.modules["pandas"] = None`, which pyarrow takes for a pandas.
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def make_parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command's, for those who tell of all of them. It imports all that they do."""
    return {command: _parser(command, _module(command)) for command in COMMANDS}


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"sv.cli.{command.replace('-', '_')}_command")


def _parser(command: str, module: ModuleType) -> argparse.ArgumentParser:
    summary, _, details = (module.__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog=f"sv {command}",
        description=summary,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--date-from -7d` as `--date-from=-7d`: argparse takes the second word for an option else."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and _RELATIVE.fullmatch(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


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
