"""Answers about persons as structs, for their JSON Schemas. See `schemas_answers`."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct

from sv.web.openapi.schemas_answers import Count, FoldedMeta, IsBehind, Time


class Person(Struct):
    distinct_id: str
    user_id: Annotated[str | None, Meta(description="The distinct id, where events ever named it as their user id.")]
    properties: Annotated[dict[str, Any], Meta(description="The person's traits, at most 64 KiB of them.")]
    first_seen: Annotated[Time, Meta(description="When the first event happened.")]
    last_seen: Annotated[Time, Meta(description="When the latest one did.")]
    event_count: Count
    session_count: Annotated[int, Meta(ge=0, description="Sessions in which the person has an event.")]
    country: Annotated[str | None, Meta(description="Of the latest event that has one.")]
    device_type: Annotated[str | None, Meta(description="Likewise.")]
    browser: Annotated[str | None, Meta(description="Likewise.")]
    is_behind: IsBehind = UNSET


class PersonList(Struct):
    data: list[Person]
    meta: FoldedMeta
