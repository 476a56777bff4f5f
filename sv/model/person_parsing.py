"""The query string of a list of persons."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from sv.model import limits
from sv.model.list_parsing import Parameters
from sv.model.persons import PersonFilter
from sv.model.validate import Problems

PERSONS_PARAMETERS: Final = ("limit", "cursor", "search", "country", "device_type", "browser", "has_user_id")


class PersonsQuery(Struct, frozen=True):
    """A page of persons. before: the number that the page before ended with. top: the newest one of page 1, of merged identity."""

    limit: int
    before: int | None
    wanted: PersonFilter
    top: int | None = None


def parse_persons_query(parameters: Iterable[tuple[str, str]]) -> PersonsQuery:
    """A page of persons from a query string's pairs, decoded.

    Errors: InvalidParameter for wrong values, unknown parameters and those given twice.
    """
    problems = Problems()
    given = Parameters(parameters, PERSONS_PARAMETERS, problems)
    before, top = given.topped_cursor()
    query = PersonsQuery(
        limit=given.limit(),
        before=before,
        top=top,
        wanted=PersonFilter(
            search=given.text("search", limits.MAX_SEARCH_CHARS),
            country=given.text("country", limits.MAX_FILTER_VALUE_CHARS),
            device_type=given.text("device_type", limits.MAX_FILTER_VALUE_CHARS),
            browser=given.text("browser", limits.MAX_FILTER_VALUE_CHARS),
            has_user_id=given.flag("has_user_id"),
        ),
    )
    problems.finish_parameters()
    return query
