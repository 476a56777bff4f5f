"""Running the ASGI door on uvicorn, until a signal ends it.

SIGTERM, SIGINT and SIGHUP: stop accepting connections, let the requests that run finish (bounded), then return. A second signal ends at
once, but for SIGHUP, which a terminal that is closed sends more than once. Where it was ignored before, as by `nohup`, it stays so.
"""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from typing import Final

import uvicorn

from sv.model.errors import ServerFault
from sv.web.front import Front
from sv.web.protocol import allow_connections, watched_by
from sv.web.reverse_proxy import behind_proxies

KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s after which common proxies close, so that they never write into a connection that we are closing."""

DRAIN_S: Final = 10
"""For requests that run when a signal comes. Container runtimes kill after 10 s or more; ingest takes milliseconds."""

LATE_S: Final = 5
"""After a signal, before what still runs is told to end: enough for nearly every query, and early enough to be told before DRAIN_S."""

BACKLOG: Final = 4096

TICKS_A_SECOND: Final = 10
"""Of uvicorn's main loop."""


_NO_HOST_HINT: Final = "Choose an address of this machine with --host"
_OTHER_HINT: Final = "Choose another address or port with --host and --port"
_HINTS: Final = {
    errno.EADDRINUSE: "Is another server running? Choose another port with --port",
    errno.EACCES: "The system lets few use this port; choose another one with --port",
    errno.EADDRNOTAVAIL: _NO_HOST_HINT,
}
"""What to do, by what the system says."""


class PortTaken(ServerFault):
    """The address can't be listened on; the message says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:  # the second of a name that can't be one
        listener.close()
        raise PortTaken(f"can't listen on {host}:{port}: {_why_not(error)}") from error
    listener.setblocking(False)
    return listener


def _why_not(error: OSError | UnicodeError) -> str:
    """What the system said, and what to do."""
    if isinstance(error, UnicodeError):
        return f"it is no host name. {_NO_HOST_HINT}"
    if isinstance(error, socket.gaierror):  # whose numbers are others
        return f"{error.strerror}. {_NO_HOST_HINT}"
    return f"{error.strerror}. {_HINTS.get(error.errno or 0, _OTHER_HINT)}"


def serve(
    front: Front,
    listener: socket.socket,
    on_ready: Callable[[], None],
    on_late: Callable[[], None],
    base_path: str = "",
    trusted_proxies: Sequence[str] = (),
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Serve until a signal; returns when every running request has been answered. Raises what `front` can't start for.

    is_over: asked each second; True ends it like a signal. on_ready: called once requests are answered. on_late: called where some requests
    still run LATE_S after the signal, to have them answered soon. base_path, trusted_proxies: the settings; see `sv.web.reverse_proxy`.
    """
    front.connections.max_connections = allow_connections()
    config = uvicorn.Config(
        behind_proxies(front, base_path, trusted_proxies),
        loop="uvloop",
        http=watched_by(front.connections),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # ours knows the host that was asked for, too, and takes nothing for an address that is none
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        backlog=BACKLOG,
    )
    server = _Server(config, front, on_ready, on_late, is_over)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
    finally:
        for number, handler in before.items():  # the event loop leaves the system's, which end the process where it is
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP and server.has_hung_up else handler)


class _Server(uvicorn.Server):
    """uvicorn, but a signal is the ordinary end: uvicorn itself would raise it again and turn exit 0 into a death by signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        front: Front,
        on_ready: Callable[[], None],
        on_late: Callable[[], None],
        is_over: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self.has_hung_up = False
        self._is_over = is_over
        self._front = front
        self._connections = front.connections
        self._on_ready = on_ready
        self._on_late = on_late

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        yield

    def _stop(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    def _hang_up(self) -> None:
        self.has_hung_up = self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            self._connections.sweep()
            self.should_exit = self.should_exit or self._is_over()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's, which names no reason
            raise self._front.start_fault or SystemExit(1) from None
        if not self.should_exit:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        late = asyncio.get_running_loop().call_later(LATE_S, self._end_late)
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()

    def _end_late(self) -> None:
        """SCAR: who took an export and read none of it kept a server for DRAIN_S, after which containers are killed."""
        self._connections.end_stalled()
        self._on_late()
