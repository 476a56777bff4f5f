"""The parser of a command's words: argparse's, which says of an option that it doesn't know which one may have been meant."""

import argparse
from collections.abc import Iterator
from typing import Final, NoReturn

_UNKNOWN: Final = "unrecognized arguments: "
"""What argparse's message begins with; the words follow."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends the process with 2. Parsers of actions are asked, too: their unknown options are told by the parser above them."""
        word = message.removeprefix(_UNKNOWN).split(" ")[0].partition("=")[0]
        if message.startswith(_UNKNOWN) and word.startswith("--"):
            from difflib import get_close_matches

            if near := get_close_matches(word, sorted(set(_options(self))), 1):
                message += f"; did you mean {near[0]}?"
        super().error(message)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All options of a parser and of the actions below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage] - argparse has no public way to ask
            for below in action.choices.values():
                yield from _options(below)
