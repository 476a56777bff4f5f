"""What the query strings of all lists have in common."""

import pytest

from sv.model.cursor import Cursor, encode_cursor
from sv.model.errors import InvalidParameter
from sv.model.list_parsing import Parameters
from sv.model.validate import Problems

KNOWN = ("limit", "cursor", "search", "is_new")


def read(**given: str) -> tuple[Parameters, Problems]:
    problems = Problems()
    return Parameters(given.items(), KNOWN, problems), problems


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_flag_is_true_or_false(text: str, value: bool) -> None:
    parameters, problems = read(is_new=text)
    assert parameters.flag("is_new") is value
    assert not problems


@pytest.mark.parametrize("text", ["", "1", "0", "True", "yes", "null", " true"])
def test_nothing_else_is_a_flag(text: str) -> None:
    parameters, problems = read(is_new=text)
    assert parameters.flag("is_new") is None
    assert [detail.field for detail in problems.details] == ["is_new"]


def test_what_is_absent_is_none() -> None:
    parameters, problems = read()
    assert (parameters.flag("is_new"), parameters.text("search", 10), parameters.numbered_cursor()) == (None, None, None)
    assert parameters.limit() == 100
    assert not problems


def test_a_numbered_cursor_is_the_id_that_a_page_ended_with() -> None:
    parameters, problems = read(cursor=encode_cursor(Cursor(1_749_988_800_000, "42")))
    assert parameters.numbered_cursor() == 42
    assert not problems


@pytest.mark.parametrize(
    "made_up", ["0", "01", "-1", "1.0", "x", "١", "²", "1" + 40 * "0", "01955b3e-fed0-7000-8000-00002008ad9b"]
)
def test_a_cursor_of_another_list_is_refused(made_up: str) -> None:
    parameters, problems = read(cursor=encode_cursor(Cursor(0, made_up)))
    assert parameters.numbered_cursor() is None
    with pytest.raises(InvalidParameter, match=r"^cursor: expected the next_cursor of a page before"):
        problems.finish_parameters()
