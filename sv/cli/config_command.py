"""Show every setting, its value and where it came from.

examples:
  sv config
  SV_PORT=9000 sv config --config sv.toml
  sv config --markdown        the table of docs/configuration.md
"""

import argparse
import json
import os
import sys

from sv.cli.mistyped import mistyped
from sv.settings import add_flags, in_force, load_with_sources, table
from sv.settings.page import markdown_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--markdown", action="store_true", help="every setting with its default and reason, as a table in Markdown"
    )
    parser.add_argument(
        "--json", action="store_true", help="answer in JSON: of each setting its value, as text, sizes in bytes, and its source"
    )
    add_flags(parser)


def run(args: argparse.Namespace) -> int:
    if args.markdown:
        print(markdown_table(), end="")
        return 0
    for text in mistyped(os.environ):
        print(f"sv: {text}", file=sys.stderr)
    if args.json:
        print(json.dumps(in_force(load_with_sources(args, os.environ)), ensure_ascii=False))
    else:
        print(table(load_with_sources(args, os.environ)))
    return 0
