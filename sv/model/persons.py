"""Persons as lists show them, and what a list of them may be asked."""

from msgspec import Struct


class Person(Struct, frozen=True):
    """number: of the distinct id, in the order in which the server first heard of each. is_user: whether the id ever came as a user id.

    traits: a JSON object. country, device_type, browser: of the latest event that has one. Times are Unix milliseconds of the events.
    """

    number: int
    distinct_id: str
    is_user: bool
    first_seen_ms: int
    last_seen_ms: int
    event_count: int
    session_count: int
    country: str | None
    device_type: str | None
    browser: str | None
    traits: str


class PersonFilter(Struct, frozen=True):
    """What must hold of a person; None asks for nothing.

    search: part of the distinct id or of the trait `email` or `name`, in any case, without NULs.
    """

    search: str | None = None
    country: str | None = None
    device_type: str | None = None
    browser: str | None = None
    has_user_id: bool | None = None
