"""The command line: `sv COMMAND`, a file a command.

A command's module has `add_arguments(parser)` and `run(args) -> exit code`, and its docstring is its help, with examples. Only the
module of the command that runs is imported: start-up is a feature.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Final

from sv import __version__
from sv.cli.failures import telling_failures
from sv.cli.fast_exit import exit_fast

if TYPE_CHECKING:
    import argparse

COMMANDS: Final = {
    "serve": "start the server on a data folder",
    "dev": "start a throwaway server with fixed credentials, for laptops and CI",
    "import": "take in events from NDJSON, CSV and Parquet files",
    "export": "write events to NDJSON, CSV and Parquet files",
    "project": "make, list, change and delete projects",
    "token": "make, list and revoke API tokens",
    "person": "erase a person, or write all that is kept of one",
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

_SERVERS: Final = ("serve", "dev")
"""They end in order by a signal, whenever it comes."""

_FOLDER_MAKERS: Final = (*_SERVERS, "import", "compact", "check", "backup", "restore")
"""What they write lies in a data folder, or in a copy of one."""

OTHERS_WRITING: Final = 0o022

_EXAMPLES: Final = """\
examples:
  sv dev --sample          try it: a shop's events, fixed credentials, nothing kept
  sv serve --data data     keep events in the folder data/
  sv COMMAND --help        what a command does, with examples
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 it could not be done, 2 it was asked wrongly, 130 it was interrupted.

    Without arguments it runs those of the process, which ends with the command.
    """
    with telling_failures() as outcome:
        arguments = list(sys.argv[1:] if argv is None else argv)
        if argv is None:
            _prepare_process(arguments)
        outcome.code = _run(arguments)
    if argv is None:
        exit_fast(outcome.code)
    return outcome.code


def _prepare_process(arguments: list[str]) -> None:
    """What is for a process that runs one command and ends."""
    from sv.cli.garbage_collection import collect_seldom
    from sv.cli.standard_streams import fill_closed
    from sv.engine.numpy_settings import set_up_numpy

    fill_closed()
    if arguments and arguments[0] in _FOLDER_MAKERS:
        keep_others_from_writing()
    if arguments and arguments[0] in _SERVERS:
        from sv.cli.signals import end_at_signals

        end_at_signals()
    if sys.stdout.encoding != "utf-8" or any("\udc80" <= sign <= "\udcff" for sign in "".join(arguments)):
        from sv.cli.output import bear_any_text

        bear_any_text(is_json="--json" in arguments)
    sys.meta_path.insert(0, _NoPandas())
    set_up_numpy()
    collect_seldom()


def keep_others_from_writing() -> None:
    """Whatever this process makes from now on, also the folders above a new data folder, only its user may change: what starts services may
    hand on a mask that lets everybody."""
    os.umask(os.umask(OTHERS_WRITING) | OTHERS_WRITING)


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    if command is None:
        return _top_level(arguments)
    module = _module(command)
    run: Callable[[argparse.Namespace], int] = module.run
    return run(_parser(command, module).parse_args(_joined(arguments[1:])))


class _NoPandas:
    """Has pyarrow believe that there is no pandas. Where there is one it would be imported, though nothing here uses it: most of a second
    before the first flush, and 40 MB."""

    # SCAR: not `sys.modules["pandas"] = None`, which pyarrow takes for a pandas.
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def make_parsers() -> "dict[str, argparse.ArgumentParser]":
    """Every command's, for those who tell of all of them. It imports all that they do."""
    return {command: _parser(command, _module(command)) for command in COMMANDS}


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"sv.cli.{command.replace('-', '_')}_command")


def _parser(command: str, module: ModuleType) -> "argparse.ArgumentParser":
    import argparse

    from sv.cli.parser import Parser

    summary, _, details = (module.__doc__ or "").partition("\n\n")
    parser = Parser(
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
    import re

    relative = re.compile(r"-\d+[a-z]+")
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and relative.fullmatch(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _top_level(arguments: list[str]) -> int:
    """What `sv` answers without a command in the first place. Ends with SystemExit and 2 where it was asked wrongly."""
    parser = _top_parser()
    if arguments[:1] == ["help"]:
        command = next(iter(arguments[1:]), None)
        if command is not None and command not in COMMANDS:
            parser.error(_unknown(command))
        (parser if command is None else _parser(command, _module(command))).print_help()
        return 0
    parser.parse_known_args(arguments)  # ends with --help and --version
    if arguments:
        parser.error(_wrong(*arguments))
    parser.print_help()
    return 0


def _wrong(first: str, *others: str) -> str:
    """What is wrong with words of which the first one is no command."""
    if not first.startswith("-"):
        return _unknown(first)
    late = next((place for place, word in enumerate(others) if word in COMMANDS), None)
    if late is None:
        return f"unknown option {first!r}; `sv --help` lists the commands, `sv COMMAND --help` a command's options"
    from shlex import join

    return f"expected the command before its options: {join(['sv', others[late], first, *others[:late], *others[late + 1 :]])}"


def _unknown(command: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(command, [*COMMANDS, "help", "--version"], 1)
    return f"unknown command {command!r}; " + (f"did you mean {near[0]}?" if near else f"the commands are {', '.join(COMMANDS)}")


def _top_parser() -> "argparse.ArgumentParser":
    import argparse

    listed = "\n".join(f"  {name:<13} {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="sv",
        usage="sv COMMAND [OPTIONS]",
        description="Session Vision, self-hosted: product analytics with exact funnels, in one process.",
        epilog=f"commands:\n{listed}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sv {__version__}")
    return parser
