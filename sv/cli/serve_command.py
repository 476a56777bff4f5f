"""Start the server on a data folder, made at the first start.

examples:
  sv serve                                 the folder data/, on 127.0.0.1:8000
  sv serve --data /var/lib/sv --port 80    another folder and port
  sv serve --sample                        with the events of a sample shop, where the folder is empty

The first start prints the credentials once. Every option is also an environment variable (SV_PORT) and a line of a TOML file
(port = 80, with --config FILE). SIGTERM ends it: events are flushed, and the exit code is 0.
"""

import argparse
import os

from sv.cli.credentials import Credentials, first_credentials
from sv.cli.greeting import credentials_lines, funnel_command, send_command
from sv.cli.running import run_server, set_up_logging
from sv.server import Server
from sv.settings import add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample", action="store_true", help="fill an empty server with a sample shop's events")
    add_flags(parser)


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    made: list[Credentials] = []

    def on_open(server: Server) -> None:
        credentials = first_credentials(server)
        if credentials is not None:
            made.append(credentials)
            if args.sample:
                from sv.cli.sample import add_sample

                add_sample(server, credentials)

    def on_ready(_: Server, url: str) -> None:
        print(f"Session Vision is running at {url}, with its data in {settings.data}", flush=True)
        for credentials in made:
            _introduce(url, credentials, has_sample=args.sample)

    return run_server(Server(settings), on_open, on_ready)


def _introduce(url: str, made: Credentials, *, has_sample: bool) -> None:
    print("\nThis is the first start. Keep these; the secrets are not shown again:\n")
    print("\n".join(credentials_lines(made)))
    if has_sample:
        print(f"\nNext, ask for a funnel over the sample:\n\n{funnel_command(url, made)}\n", flush=True)
    else:
        print(f"\nNext, send an event:\n\n{send_command(url, made.project_token)}\n", flush=True)
