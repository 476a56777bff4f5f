"""The operations on persons, as `operations` has those of the other topics."""

from typing import Final

from sv.model import limits
from sv.web.openapi import schemas_answers as answers
from sv.web.openapi import schemas_persons as persons
from sv.web.openapi import texts
from sv.web.openapi.operation import LISTING, PAGE_PARAMETERS, Answer, Operation, query_parameter
from sv.web.openapi.parameters import DATED_LIST_PARAMETERS, EVENT_PARAMETERS, text

_VALUE: Final = text(limits.MAX_FILTER_VALUE_CHARS)
_ABSENT: Final = LISTING | {404: 'no person "nobody" (distinct_id)'}

_EXPORT: Final = (
    "All that is kept of a person, one JSON object a line, sent as it is read. `type` says what a line is: first the `person` with its "
    "traits; each `session`; each `event`, newest first; each `recording`, with its chunks; at last `end` with the number of "
    "events. An answer that doesn't end with that line was cut off. Of an id under which recordings alone came there are these and the end."
)

PERSON_OPERATIONS: Final[dict[str, Operation]] = {
    "list_persons": Operation(
        tag="Persons",
        summary="List persons, newest first",
        description=texts.PERSONS,
        parameters=(
            *PAGE_PARAMETERS,
            query_parameter(
                "search",
                "Only persons whose distinct id, or whose trait `email` or `name`, has this text in it, in any case.",
                text(limits.MAX_SEARCH_CHARS),
            ),
            query_parameter("country", "Only persons whose `country` is this.", _VALUE),
            query_parameter("device_type", "Only persons whose `device_type` is this.", _VALUE),
            query_parameter("browser", "Only persons whose `browser` is this.", _VALUE),
            query_parameter("has_user_id", "Only persons with a user id, or only those without.", {"type": "boolean"}),
        ),
        answers={200: Answer("A page of persons.", (persons.PersonList,))},
        errors=LISTING,
    ),
    "get_person": Operation(
        tag="Persons",
        summary="Get one person",
        description="A person by the distinct id.",
        answers={200: Answer("The person.", (persons.Person,))},
        errors=_ABSENT | {400: "limit: unknown parameter; this route takes none"},
    ),
    "list_person_events": Operation(
        tag="Persons",
        summary="List a person's events, newest first",
        description="As the list of all events, of one person.",
        parameters=DATED_LIST_PARAMETERS + tuple(each for each in EVENT_PARAMETERS if each["name"] != "distinct_id"),
        answers={200: Answer("A page of events.", (answers.EventList,))},
        errors=_ABSENT,
    ),
    "export_person": Operation(
        tag="Persons",
        summary="Export a person",
        description=_EXPORT,
        answers={200: Answer("Lines of JSON.", media_type="application/x-ndjson", schema={"type": "string"})},
        errors=_ABSENT | {400: "limit: unknown parameter; this route takes none"},
    ),
}
