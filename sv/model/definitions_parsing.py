"""From what a caller sent to a list of definitions, or to a change of what owners say of a name.

As `query_parsing`: strict, and complete about what is wrong. Never asks whether a name exists.
"""

from collections.abc import Iterable
from typing import Final

from sv.model import limits
from sv.model.definitions import DefinitionsQuery, NotesChange
from sv.model.list_parsing import Parameters
from sv.model.validate import Fields, Problems, repair

EVENT_PARAMETERS: Final = ("limit", "cursor", "search", "include_hidden")
PROPERTY_PARAMETERS: Final = (*EVENT_PARAMETERS, "event")
NOTES_FIELDS: Final = ("description", "is_verified", "is_hidden")


def parse_definitions_query(pairs: Iterable[tuple[str, str]], known: tuple[str, ...]) -> DefinitionsQuery:
    """A page of definitions from a query string's pairs, decoded. known: one of the two lists of parameters above.

    Errors: InvalidParameter for wrong values, unknown parameters and those given twice.
    """
    problems = Problems()
    given = Parameters(pairs, known, problems)
    query = DefinitionsQuery(
        limit=given.limit(),
        before_id=given.numbered_cursor(),
        search=given.text("search", limits.MAX_PROPERTY_NAME_CHARS),
        include_hidden=given.flag("include_hidden") or False,
        event=given.text("event", limits.MAX_EVENT_NAME_CHARS, trim=True),
    )
    problems.finish_parameters()
    return query


def parse_notes(body: object) -> NotesChange:
    """What an owner says of a name, from a decoded body; what is absent or null stays as it is.

    Errors: ValidationFailed.
    """
    problems = Problems()
    fields = Fields(body, "", NOTES_FIELDS, problems)
    change = NotesChange(
        description=_description(fields),
        is_verified=_flag(fields, "is_verified"),
        is_hidden=_flag(fields, "is_hidden"),
    )
    problems.finish()
    return change


def _description(fields: Fields) -> str | None:
    value = fields.get("description")
    if isinstance(value, str) and len(value) <= limits.MAX_DESCRIPTION_CHARS:
        return repair(value)
    if value is not None:
        fields.problems.unexpected(
            fields.at("description"), f"a string of at most {limits.MAX_DESCRIPTION_CHARS:,} characters", value
        )
    return None


def _flag(fields: Fields, name: str) -> bool | None:
    return None if fields.get(name) is None else fields.flag(name, False)
