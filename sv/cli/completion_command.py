"""Print a script that completes commands, options and their values in a shell.

examples:
  source <(sv completion bash)                                    in ~/.bashrc
  source <(sv completion zsh)                                     in ~/.zshrc, after compinit
  sv completion fish > ~/.config/fish/completions/sv.fish

It is made of the commands' own descriptions, so make it again after an upgrade.
"""

import argparse

from sv.cli.completion import SCRIPTS, offers_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="the shell that it is for")


def run(args: argparse.Namespace) -> int:
    from sv.cli import COMMANDS, make_parsers

    print(SCRIPTS[args.shell](offers_of(COMMANDS, make_parsers())), end="")
    return 0
