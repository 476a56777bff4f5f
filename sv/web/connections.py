"""Watches idle and stalled connections: clients that connect and send nothing, send a byte a second, or don't read their answer.

    watched    a request's head, or the rest of its body, is still to come
    idle       answered; the next request may come, for as long as the server keeps connections
    stalled    an answer waits for its reader
    large      holds more than FREE_HEAD_BYTES of heads

Connections that take too long are closed, and their number is bounded: when there is no room, the one that has waited longest is closed,
and if none waits the newcomer is told to come again. A connection whose request is being answered is left alone. A client whose connection
ends sends again; a 4xx would make it drop what it has.

Knows nothing of HTTP or sockets: `sv.web.protocol` reports what happens, and `sweep` is called once a second. For the event loop alone.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, Protocol

from msgspec import Struct

from sv.model.connection_limits import (
    BODY_WINDOW_SECONDS,
    GIVE_WAY_SECONDS,
    HEAD_SECONDS,
    MAX_CONNECTIONS,
    MAX_LARGE_HEAD_BYTES,
    MIN_WINDOW_BYTES,
    STALL_SECONDS,
)

Reason = Literal["slow_head", "slow_body", "slow_reader", "crowded", "refused"]
REASONS: Final[tuple[Reason, ...]] = ("slow_head", "slow_body", "slow_reader", "crowded", "refused")


class Caller(Protocol):
    """One connection. received: all bytes so far. is_in_head: whether a request's head is arriving. is_held_up: whether it is our own doing
    that nothing arrives."""

    received: int

    @property
    def is_in_head(self) -> bool: ...

    @property
    def is_held_up(self) -> bool: ...

    def unread_bytes(self) -> int:
        """How many bytes of the answer its reader hasn't taken yet."""
        ...

    def end(self) -> None:
        """Close at once, whatever is still to be sent."""
        ...


class _Watch(Struct):
    """since_s: when this window began. received, is_in_head: what they were then."""

    since_s: float
    received: int
    is_in_head: bool


class _Stall(Struct):
    """unread: how many bytes were unread when this window began."""

    since_s: float
    unread: int


class Connections:
    """clock_s: seconds that only grow. The other parameters are bounds (`sv.model.connection_limits`), smaller in tests."""

    def __init__(
        self,
        clock_s: Callable[[], float],
        *,
        max_connections: int = MAX_CONNECTIONS,
        head_s: float = HEAD_SECONDS,
        window_s: float = BODY_WINDOW_SECONDS,
        stall_s: float = STALL_SECONDS,
    ) -> None:
        self._clock_s = clock_s
        self.max_connections = max_connections
        self._head_s = head_s
        self._window_s = window_s
        self._stall_s = stall_s
        self._watched: dict[Caller, _Watch] = {}  # in the order of since when they wait, and so is the next
        self._idle: dict[Caller, float] = {}
        self._stalled: dict[Caller, _Stall] = {}
        self._large: dict[Caller, int] = {}
        self.large_bytes = 0
        self.open = 0
        self.ended: Counter[Reason] = Counter()

    # ---- What happens to a connection ----

    def opened(self, caller: Caller) -> bool:
        """A connection was opened. Returns whether there is room; else it has to be refused, and then reported as `closed` like any
        other."""
        self.open += 1
        if self.open > self.max_connections and not self._make_room():
            self.ended["refused"] += 1
            return False
        self.wait_for(caller)
        return True

    def closed(self, caller: Caller) -> None:
        self.open -= 1
        self.forget(caller)
        self.let_go(caller)
        self._stalled.pop(caller, None)

    def wait_for(self, caller: Caller) -> None:
        """More of a request is to come. The time for the head, and for the body, counts from its beginning and not from each byte."""
        watch = self._watched.get(caller)
        if watch is None or watch.is_in_head != caller.is_in_head:
            self._idle.pop(caller, None)
            self._watched[caller] = _Watch(self._clock_s(), caller.received, caller.is_in_head)

    def forget(self, caller: Caller) -> None:
        """A request has arrived as a whole: the time that passes from now on is ours."""
        self._watched.pop(caller, None)
        self._idle.pop(caller, None)

    def rest(self, caller: Caller) -> None:
        """A request was answered; the next one may come."""
        if caller not in self._watched:
            self._idle[caller] = self._clock_s()

    def stall(self, caller: Caller) -> None:
        """The client doesn't read what was written."""
        self._stalled.setdefault(caller, _Stall(self._clock_s(), caller.unread_bytes()))

    def flow(self, caller: Caller) -> None:
        """The client reads again."""
        self._stalled.pop(caller, None)

    def hold(self, caller: Caller, held_bytes: int) -> bool:
        """The connection has so many bytes of heads in memory, which are more than every one may. Returns whether there is room."""
        more = held_bytes - self._large.get(caller, 0)
        if more > 0 and self.large_bytes + more > MAX_LARGE_HEAD_BYTES:
            return False
        self._large[caller] = held_bytes
        self.large_bytes += more
        return True

    def let_go(self, caller: Caller) -> None:
        """It has no more of them than every one may."""
        self.large_bytes -= self._large.pop(caller, 0)

    def crowd_out(self, caller: Caller) -> None:
        """Close a connection that there is no room for."""
        self._end(caller, "crowded")

    # ---- Ending some ----

    def sweep(self) -> None:
        """Close the connections whose time is up."""
        now_s = self._clock_s()
        for caller, watch in list(self._watched.items()):
            if caller.is_held_up:
                watch.since_s, watch.received = now_s, caller.received
            elif watch.is_in_head:
                if now_s - watch.since_s >= self._head_s:
                    self._end(caller, "slow_head")
            elif now_s - watch.since_s >= self._window_s:
                if caller.received - watch.received < MIN_WINDOW_BYTES:
                    self._end(caller, "slow_body")
                watch.since_s, watch.received = now_s, caller.received
        for caller, stall in list(self._stalled.items()):
            if now_s - stall.since_s >= self._stall_s:
                self._end(caller, "slow_reader")

    def end_stalled(self) -> None:
        """Close those whose answers wait for somebody to read them, whom a server that ends doesn't wait for."""
        for caller in list(self._stalled):
            self._end(caller, "slow_reader")

    def _make_room(self) -> bool:
        """Close the connection that has waited longest: one whose answer has waited for very long, else one at the beginning of a request,
        else an idle one, else one whose answer waits at all. False where none waits.

        SCAR: answers that nobody read gave way to nothing. Who asked for as many as there are places, and read none, kept everybody out.
        """
        stalled = next(iter(self._stalled), None)
        is_long = stalled is not None and self._clock_s() - self._stalled[stalled].since_s >= GIVE_WAY_SECONDS
        caller = (stalled if is_long else None) or next(iter(self._watched), None) or next(iter(self._idle), None) or stalled
        if caller is None:
            return False
        self._end(caller, "crowded")
        return True

    def _end(self, caller: Caller, reason: Reason) -> None:
        self.ended[reason] += 1
        self.forget(caller)
        self._stalled.pop(caller, None)
        caller.end()
