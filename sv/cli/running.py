"""What `sv serve` and `sv dev` share: logging, opening, serving, closing."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping

from sv.cli.garbage_collection import collect_all_at_the_end, collect_while_serving
from sv.cli.log_lines import JsonLines, TextLines
from sv.cli.mistyped import mistyped
from sv.cli.signals import is_asked_for, unwind_at_signals
from sv.engine.heaps import bound_heaps, share_heaps_with_arrow
from sv.engine.priority import lower_own_priority
from sv.server import Server
from sv.settings import Settings
from sv.store.after_fault import AfterFault

log = logging.getLogger(__name__)


def set_up_logging(settings: Settings) -> None:
    """Send log lines to standard error; standard output is for a command's answers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format.value == "json" else TextLines())
    logging.basicConfig(level=settings.log_level.value.upper(), handlers=[handler], force=True)
    served = logging.getLogger("uvicorn.error")
    served.setLevel(logging.ERROR)  # its warnings are a line for each request that is none
    served.addFilter(lambda record: not (record.exc_info and record.exc_info[0] is asyncio.CancelledError))  # a second signal


def warn_of_mistyped(environment: Mapping[str, str]) -> None:
    """Log variables that look like a setting and are none."""
    for text in mistyped(environment):
        log.warning(text)


def shown_host(host: str) -> str:
    """In a URL for this machine: of all addresses, which are no place to go to, its own."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # noqa: S104 - shown, not bound


def run_server(
    server: Server, on_open: Callable[[Server], None], on_ready: Callable[[Server, str], None], *, is_kept: bool = True
) -> int:
    """Open, serve until a signal or until the engine fails, close. Returns the exit code.

    on_open: called with the folder open and nothing served yet. on_ready: called with the address once requests are answered. is_kept:
    whether anybody reads the folder afterwards; for nobody the last events aren't written as files.
    """
    from sv.web.serve import listen, serve  # here, since commands that serve nothing share this file

    unwind_at_signals()
    settings = server.settings
    bound_heaps()  # before the first thread has one
    share_heaps_with_arrow()
    server.lock_folder()  # before the port: started twice, a server should say who holds the folder, and not send anybody to another port
    listener = listen(settings.host, settings.port)
    server.open()
    after_fault = AfterFault(server.catalog, server.maintenance, lower_own_priority, time.monotonic)
    try:
        on_open(server)
        host, port = listener.getsockname()[:2]
        shown = shown_host(host)
        url = settings.public_url or f"http://{shown}:{port}{settings.base_path}"
        server.lock.announce(url, f"{shown}:{port}")

        def ready() -> None:
            on_ready(server, url)
            collect_while_serving()

        paths = settings.base_path, settings.trusted_proxies
        serve(
            server.front,
            listener,
            ready,
            server.end_queries,
            *paths,
            is_over=lambda: is_asked_for() or (server.engine_fault is not None and after_fault.is_done()),
        )
    finally:
        after_fault.stop()
        server.close(flush=is_kept and server.engine_fault is None)
        collect_all_at_the_end()
    if server.engine_fault is not None:
        log.critical(
            "the server ended since its engine failed: start it again; all that was acknowledged is in the log and the files"
        )
        return 1
    return 0
