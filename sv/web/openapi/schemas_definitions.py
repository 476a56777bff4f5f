"""Bodies and answers of event and property definitions as structs, for their JSON Schemas. Nothing is decoded or encoded by these."""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from sv.model import limits
from sv.model.definitions import PropertyType
from sv.web.openapi.schemas_answers import Count, FoldedMeta, Time

Description: TypeAlias = Annotated[str | None, Meta(description="What owners say of it.")]
IsVerified: TypeAlias = Annotated[bool, Meta(description="Whether an owner says that it is meant to be.")]
IsHidden: TypeAlias = Annotated[
    bool, Meta(description="Whether lists leave it out. What is stored, and what queries see, stays.")
]


class EventDefinition(Struct):
    name: str
    description: Description
    is_verified: IsVerified
    is_hidden: IsHidden
    volume_30d: Annotated[
        Count,
        Meta(
            description=(
                f"Its events of the last {limits.VOLUME_DAYS} days by their own time, in whole UTC days: from the day on which "
                f"{limits.VOLUME_DAYS} times 24 hours ago was, on; with those that a client dates ahead, and with bots'."
            )
        ),
    ]
    first_seen: Annotated[Time, Meta(description="Its earliest event's own time.")]
    last_seen: Annotated[Time, Meta(description="Its latest event's own time.")]


class EventDefinitionList(Struct):
    data: list[EventDefinition]
    meta: FoldedMeta


class PropertyDefinition(Struct):
    name: str
    description: Description
    is_verified: IsVerified
    is_hidden: IsHidden
    type: PropertyType
    event_count: Annotated[int, Meta(ge=1, description="Events that have it; null is no value.")]
    example_values: Annotated[
        list[Any],
        Meta(
            max_length=limits.EXAMPLE_VALUES_MAX,
            description=(
                f"Different values, any JSON: always the same ones of the same values. Of values longer than {limits.MAX_EXAMPLE_BYTES} "
                "bytes of JSON none is shown."
            ),
        ),
    ]


class PropertyDefinitionList(Struct):
    data: list[PropertyDefinition]
    meta: FoldedMeta


class DefinitionRequest(Struct, forbid_unknown_fields=True):
    """What is absent stays as it is."""

    description: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_DESCRIPTION_CHARS)] | None,
        Meta(description="What it means; an empty text removes it.", examples=["A paid order."]),
    ] = None
    is_verified: bool | None = None
    is_hidden: bool | None = None
