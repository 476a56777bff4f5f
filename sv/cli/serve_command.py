"""Start the server on a data folder, made at the first start.

examples:
  sv serve                                 the folder data/, on 127.0.0.1:8000
  sv serve --data /var/lib/sv --port 80    another folder and port
  sv serve --sample                        with the events of a sample shop, where the folder is empty

The first start prints the credentials once. Every option is also an environment variable (SV_PORT) and a line of a TOML file
(port = 80, with --config FILE). SIGTERM ends it, and so does closing its terminal (unless `nohup` started it): events are flushed, and
the exit code is 0.
"""

import argparse
import contextlib
import json
import logging
import os

import msgspec

from sv.cli.credentials import Credentials, first_credentials, note_shown
from sv.cli.greeting import bold, going_on_unread, introduce, tell_first_event
from sv.cli.running import run_server, set_up_logging, warn_of_mistyped
from sv.cli.sample import add_sample, remove_cut_off_sample
from sv.model.limits import MIB
from sv.server import Server
from sv.settings import add_flags, load
from sv.settings.memory import LEAST_FIRM_BYTES

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample", action="store_true", help="fill an empty server with a sample shop's events")
    parser.add_argument(
        "--json", action="store_true", help="say that it is ready, and a first start's credentials, in one line of JSON"
    )
    add_flags(parser)


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    warn_of_mistyped(os.environ)
    made: list[Credentials] = []

    def on_open(server: Server) -> None:
        if settings.memory_limit < LEAST_FIRM_BYTES:
            given, least = (size // MIB for size in (settings.memory_limit, LEAST_FIRM_BYTES))
            log.warning(
                "memory_limit is %d MiB: with less than %d the server may take more than that (SV_MEMORY_LIMIT)", given, least
            )
        credentials = first_credentials(server)
        is_empty = remove_cut_off_sample(server) or not server.store.ingested
        if credentials is not None:
            made.append(credentials)
            if args.sample and is_empty:
                add_sample(server, credentials)

    def on_ready(server: Server, url: str) -> None:
        with contextlib.nullcontext() if made else going_on_unread():  # secrets that nobody could see are shown by the next start
            if args.json:
                secrets = msgspec.to_builtins(made[0]) if made else {}
                print(json.dumps({"url": url, **secrets, "data": str(settings.data)}), flush=True)
            else:
                greet(url)
        if made:
            note_shown(server)
        if not args.json:
            tell_first_event(server, url)

    def greet(url: str) -> None:
        print(f"{bold(f'Session Vision is running at {url}')}, with its data in {settings.data}", flush=True)
        for credentials in made:
            print("\nThis is the first start. Keep these; the secrets are not shown again:\n")
            introduce(url, credentials, settings.script_path, has_sample=args.sample)

    return run_server(Server(settings), on_open, on_ready)
