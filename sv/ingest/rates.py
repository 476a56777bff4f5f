"""How many events a second one address may send to a project, and all of them together, where an operator has set that.

Answers for a minute's worth being taken at once and the rest as it comes back, within a bounded memory. What is refused is refused whole,
as too much load is (503), before anything is stored: clients drop what a 4xx refuses, and send again what a 503 does. Belongs to one
event loop. Never looks at requests that are known as retries, which store nothing.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from sv.model.errors import Unavailable
from sv.model.ingest_limits import MAX_RATE_WAIT_S, MAX_RATED_SENDERS, RATE_BURST_S

_V6_BITS: Final = 64
"""Of an IPv6 address, what a provider gives to one customer."""


class Rates:
    """address_events_s, project_events_s: 0 is no limit. monotonic_s: the clock."""

    def __init__(self, address_events_s: float, project_events_s: float, monotonic_s: Callable[[], float]) -> None:
        self._addresses = _Rate(address_events_s) if address_events_s else None
        self._projects = _Rate(project_events_s) if project_events_s else None
        self._monotonic_s = monotonic_s
        self.refused_events = {"address": 0, "project": 0}
        """Since the start, by what was over its limit."""

    def take(self, project_id: str, address: str, events: int) -> None:
        """Count these events, or raise Unavailable and count none of them. A request is taken as long as there is any room at all."""
        now_s = self._monotonic_s()
        if self._addresses is not None:
            sender = (project_id, _network(address))
            self._refuse("address", "this address", self._addresses.wait_s(sender, now_s), events)
            self._take_of_project(project_id, events, now_s)
            self._addresses.take(sender, events, now_s)
        else:
            self._take_of_project(project_id, events, now_s)

    def _take_of_project(self, project_id: str, events: int, now_s: float) -> None:
        if self._projects is not None:
            self._refuse("project", "this project's senders", self._projects.wait_s(project_id, now_s), events)
            self._projects.take(project_id, events, now_s)

    def _refuse(self, what: str, who: str, wait_s: float, events: int) -> None:
        if wait_s <= 0:
            return
        self.refused_events[what] += events
        raise Unavailable(
            f"more events come from {who} than the server's settings allow; nothing of this request was stored",
            retry_after_s=min(MAX_RATE_WAIT_S, math.ceil(wait_s)),
        )


class _Rate:
    """By sender the moment at which all of its room is back: one number, since it comes back evenly."""

    def __init__(self, events_s: float) -> None:
        self._events_s = events_s
        self._full_at_s: OrderedDict[Hashable, float] = OrderedDict()

    def wait_s(self, sender: Hashable, now_s: float) -> float:
        """How long until there is room; none to wait where it is 0 or less."""
        return self._full_at_s.get(sender, now_s) - now_s - RATE_BURST_S

    def take(self, sender: Hashable, events: int, now_s: float) -> None:
        self._full_at_s[sender] = max(self._full_at_s.get(sender, now_s), now_s) + events / self._events_s
        self._full_at_s.move_to_end(sender)
        if len(self._full_at_s) > MAX_RATED_SENDERS:
            self._full_at_s.popitem(last=False)


def _network(address: str) -> bytes:
    """Who sends: the address, or of an IPv6 one its network."""
    import ipaddress

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket without one
        return address[:64].encode("utf-8", "replace")
    return parsed.packed[: _V6_BITS // 8] if parsed.version == 6 and parsed.ipv4_mapped is None else parsed.packed[-4:]
