"""Conditions as a person writes them, and relative dates beside their flags."""

from argparse import ArgumentParser
from typing import Any

import pytest

from sv.cli import _joined  # pyright: ignore[reportPrivateUsage]
from sv.cli.funnel_command import _steps  # pyright: ignore[reportPrivateUsage]
from sv.cli.questions import add_insight_flags, filters, insight_fields
from sv.model.errors import InvalidParameter


def asked(*words: str) -> Any:
    parser = ArgumentParser()
    add_insight_flags(parser)
    return parser.parse_args(_joined(words))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("plan=pro", ("plan", "exact", "pro")),
        ("plan != pro", ("plan", "is_not", "pro")),
        ("amount>=100", ("amount", "gte", 100)),
        ("amount<1.5", ("amount", "lt", 1.5)),
        ('code="10"', ("code", "exact", "10")),
        ("ok=true", ("ok", "exact", True)),
        ("plan=", ("plan", "exact", "")),
        ("title~10", ("title", "icontains", "10")),
        ("$current_url=/a?b=c", ("$current_url", "exact", "/a?b=c")),
        ('plan=["a","b"]', ("plan", "exact", ["a", "b"])),
    ],
)
def test_a_condition_is_a_filter_of_the_api(condition: str, found: tuple[str, str, Any]) -> None:
    (told,) = filters(asked("--where", condition))
    assert (told["property"], told["operator"], told["value"]) == found


def test_a_property_alone_is_there() -> None:
    assert filters(asked("--where", "coupon")) == [{"property": "coupon", "operator": "is_set"}]


@pytest.mark.parametrize("condition", ["", " ", "=x", "==", "amount>=", "amount< ", "title~"])
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(InvalidParameter, match="--where"):
        filters(asked("--where", condition))


def test_a_relative_date_is_taken_for_its_flag_s_value() -> None:
    assert insight_fields(asked("--date-from", "-7d", "--date-to=-1d", "--breakdown", "plan")) == {
        "date_from": "-7d",
        "date_to": "-1d",
        "breakdown": "plan",
    }
    assert _joined(["-n", "5", "--json", "--date-from", "-24h"]) == ["-n", "5", "--json", "--date-from=-24h"]


def test_steps_are_words_between_signs_or_arguments_of_their_own() -> None:
    assert _steps(["view > cart>buy"]) == ["view", "cart", "buy"]
    assert _steps(["a > b", "c"]) == ["a > b", "c"]
    for wrong in (["view"], ["view >"], ["> buy"], [""]):
        with pytest.raises(InvalidParameter, match="expected steps"):
            _steps(wrong)
