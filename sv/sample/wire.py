"""An event of the sample as a client would send it.

Answers for the names on the wire, which are those of an ingest event. Assumes that its maker keeps the
limits of ingest; never validates.
"""

from msgspec import Struct


class WireEvent(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One event; `msgspec.json.encode` gives the object that `POST /api/v1/ingest/events` takes in `events`.

    `timestamp` is Unix milliseconds. What is None is absent on the wire, as the clients have it. The event
    belongs to the person `user_id`, or to `anonymous_id` where there is no user id: identity is
    forward-only.
    """

    event: str
    timestamp: int
    anonymous_id: str
    session_id: str
    properties: dict[str, object]
    user_id: str | None = None
    groups: tuple[str, ...] | None = None

    @property
    def distinct_id(self) -> str:
        """The person that the event counts for. Not on the wire: the server derives it likewise."""
        return self.user_id or self.anonymous_id
