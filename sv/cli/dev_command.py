"""Start a throwaway server with credentials that never change, on this machine alone.

examples:
  sv dev                      an empty server; its data is deleted when it ends
  sv dev --sample             with 30,000 events of a sample shop
  sv dev --port 0 --json      a free port, and one line of JSON when it is ready: for CI
  sv dev --data keep          keep the data in the folder keep/
  sv dev --fixed-clock 2026-01-31T12:00:00Z    time stands, for tests that compare answers with kept ones
  sv dev --stop-on-eof        stop when standard input ends, as it does when the program that holds the pipe dies

  project dev, project token sv_pub_dev, API token sv_dev, web login dev@localhost with password dev

POST /api/v1/dev/reset empties it between tests. Each reset and each start puts right what was done to these credentials, such as
a token revoked or another password; the project dev can't be deleted.

With --fixed-clock it is that instant at the start and after each reset, and a millisecond later with each event taken in.
An event whose own time is more than 24 hours later is rejected as ever: let the clock of what you test stand too. Retries are
not looked for, since two clicks in the same instant are the same bytes (SV_RETRY_WINDOW_SECONDS=600 looks for them again).
"""

import argparse
import contextlib
import importlib
import ipaddress
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

import msgspec

from sv.cli.credentials import DEV, DevServer, dev_credentials, kept_project
from sv.cli.fixed_clock import FixedServer, read_instant
from sv.cli.greeting import bold, introduce, tell_first_event
from sv.cli.running import run_server, set_up_logging, warn_of_mistyped
from sv.cli.sample import add_sample, remove_cut_off_sample
from sv.cli.signals import held_off, unwind_at_signals
from sv.model.errors import InvalidParameter, ServerFault
from sv.server import Server
from sv.settings import Loaded, add_flags, load_with_sources

STANDING: Final = {"retry_window_seconds": 0, "flush_seconds": 3600.0}
"""Settings where the clock stands. What is flushed is numbered: by a flush whose moment only a real clock knows, persons would be numbered
and lists be in order otherwise in one run than in the next. So events wait for a question or for room, which the same requests ask for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample", action="store_true", help="with a sample shop's events")
    parser.add_argument("--json", action="store_true", help="say that it is ready in one line of JSON")
    parser.add_argument("--fixed-clock", metavar="INSTANT", help="let time stand at an instant, such as 2026-01-31T12:00:00Z")
    parser.add_argument(
        "--stop-on-eof",
        action="store_true",
        help="stop when standard input ends: a pipe from what started it ties its life to that, however it dies",
    )
    add_flags(parser)


def run(args: argparse.Namespace) -> int:
    loaded = load_with_sources(args, os.environ)
    if not _is_loopback(loaded.settings.host):
        raise InvalidParameter(
            f"sv dev has credentials that everybody knows, so it listens on loopback alone; got {loaded.settings.host} (host). "
            "`sv serve` makes its own, and listens where it is told"
        )
    set_up_logging(loaded.settings)
    warn_of_mistyped(os.environ)
    if loaded.sources["data"] != "default":
        return _run(args, loaded, loaded.settings.data, is_kept=True)
    importlib.import_module("sv.web.serve")  # with its modules of C, before a signal may raise something in their midst
    with _throwaway() as folder:
        return _run(args, loaded, folder, is_kept=False)


@contextlib.contextmanager
def _throwaway() -> Generator[Path]:
    """A folder that is removed when the block ends, however it does. Raises ServerFault where none can be made."""
    unwind_at_signals()
    folder = None
    try:
        try:
            folder = Path(tempfile.mkdtemp(prefix="sv-dev-"))
        except OSError as error:
            raise ServerFault(
                f"can't make a folder for data that is thrown away: {error.strerror}; name a place for it (TMPDIR), "
                "or a folder that is kept (--data)"
            ) from error
        yield folder
    finally:
        if folder is not None:
            with held_off():
                shutil.rmtree(folder, ignore_errors=True)


def _run(args: argparse.Namespace, loaded: Loaded, folder: Path, *, is_kept: bool) -> int:
    settings = msgspec.structs.replace(loaded.settings, data=folder)
    fixed_ms = None if args.fixed_clock is None else read_instant(args.fixed_clock)
    if fixed_ms is not None:
        chosen = {name: value for name, value in STANDING.items() if loaded.sources[name] == "default"}
        settings = msgspec.structs.replace(settings, **chosen)
    server = DevServer(settings) if fixed_ms is None else FixedServer(settings, fixed_ms)

    def on_open(server: Server) -> None:
        dev_credentials(server)
        server.people.kept_project = kept_project(server.meta)
        is_empty = remove_cut_off_sample(server) or not (server.catalog.parts() or server.store.held_bytes)
        if args.sample and is_empty:
            add_sample(server, DEV)

    def on_ready(_: Server, url: str) -> None:
        if args.stop_on_eof:
            _stop_on_eof()
        if args.json:
            print(json.dumps({"url": url, **msgspec.to_builtins(DEV), "data": str(settings.data)}), flush=True)
        else:
            kept = "its data is kept" if is_kept else "nothing is kept"
            print(f"{bold(f'Session Vision is running at {url}')} (sv dev: {kept})\n")
            introduce(url, DEV, settings.script_path, has_sample=args.sample)
            tell_first_event(server, url)

    return run_server(server, on_open, on_ready, is_kept=is_kept)


def _stop_on_eof() -> None:
    """End this process as SIGTERM does, once nobody holds the other end of standard input any more."""

    def wait() -> None:
        with contextlib.suppress(OSError):  # a standard input that was never open has ended too
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="sv-stdin", daemon=True).start()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
