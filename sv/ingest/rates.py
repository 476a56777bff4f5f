"""The operator's limits on ingest: events per second from one address to a project, and from all addresses to a project.

A minute's worth may come at once (`sv.model.rate_limiter`). A request over a limit is refused whole, before anything is stored, and with
the 503 of overload: clients drop what a 4xx refuses, and send again what a 503 does. Belongs to one event loop. Never looks at requests
that are known as retries, which store nothing.
"""

import math
from collections.abc import Callable

from sv.model.errors import Unavailable
from sv.model.ingest_limits import MAX_RATE_WAIT_S, MAX_RATED_SENDERS, RATE_BURST_S
from sv.model.rate_limiter import RateLimiter, network_of


class Rates:
    """address_events_s, project_events_s: 0 is no limit. monotonic_s: the clock."""

    def __init__(self, address_events_s: float, project_events_s: float, monotonic_s: Callable[[], float]) -> None:
        self._address_events_s = address_events_s
        self._project_events_s = project_events_s
        self._addresses = RateLimiter(RATE_BURST_S, MAX_RATED_SENDERS)
        self._projects = RateLimiter(RATE_BURST_S, MAX_RATED_SENDERS)
        self._monotonic_s = monotonic_s
        self.refused_events = {"address": 0, "project": 0}
        """Since the start, by what was over its limit."""

    def take(self, project_id: str, address: str, events: int) -> None:
        """Count these events, or raise Unavailable and count none of them. A request is accepted as long as the bucket isn't empty, so the
        last one may overdraw it."""
        now_s = self._monotonic_s()
        sender = (project_id, network_of(address)) if self._address_events_s else None
        if sender:
            self._refuse("address", "this address", self._addresses.wait_s(sender, now_s), events)
        if self._project_events_s:
            self._refuse("project", "this project's senders", self._projects.wait_s(project_id, now_s), events)
            self._projects.take(project_id, events / self._project_events_s, now_s)
        if sender:
            self._addresses.take(sender, events / self._address_events_s, now_s)

    def _refuse(self, what: str, who: str, wait_s: float, events: int) -> None:
        if wait_s <= 0:
            return
        self.refused_events[what] += events
        raise Unavailable(
            f"more events come from {who} than the server's settings allow; nothing of this request was stored",
            retry_after_s=min(MAX_RATE_WAIT_S, math.ceil(wait_s)),
        )
