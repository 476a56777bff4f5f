"""Show every setting, its value and where it came from.

examples:
  sv config
  SV_PORT=9000 sv config --config sv.toml
"""

import argparse
import os

from sv.settings import add_flags, load_with_sources, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)


def run(args: argparse.Namespace) -> int:
    print(table(load_with_sources(args, os.environ)))
    return 0
