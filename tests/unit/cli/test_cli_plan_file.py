"""A plan of events as a file: written, read again, and refused with the place where it is none."""

from pathlib import Path

import pytest

from sv.cli.plan_file import plan_text, read_plan
from sv.model.errors import InvalidParameter
from sv.model.event_plan import EventPlan, Plan, PropertyPlan


def test_a_written_plan_is_read_as_the_same(tmp_path: Path) -> None:
    odd = {name: PropertyPlan(("string", "null")) for name in ("on", "404", "null", "é: [x]", "# no", "1_000", " ")}
    plan = Plan(
        {
            "buy": EventPlan(odd | {"amount": PropertyPlan(("number",), required=True)}),
            "yes": EventPlan(),
            "2026-01-31": EventPlan(),
        }
    )
    path = tmp_path / "events.yml"
    path.write_text(plan_text(plan), encoding="utf-8")
    assert read_plan(path) == plan


def test_a_plan_written_by_hand_says_what_it_means(tmp_path: Path) -> None:
    path = tmp_path / "events.yml"
    path.write_text(
        "events:\n  buy:\n    description: paid\n    properties:\n      coupon: {type: [string, null], description: a code}\n  view:\n"
    )
    assert read_plan(path) == Plan(
        {"buy": EventPlan({"coupon": PropertyPlan(("string", "null"), False, "a code")}, "paid"), "view": EventPlan()}
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("events:\n  on: {}\n", "YAML takes the name True for a bool; put it in quotes"),
        ("events:\n  404: {}\n", "YAML takes the name 404 for a int; put it in quotes"),
        ("events:\n  buy: {}\n  buy: {}\n", 'line 3: "buy" is there twice'),
        ("events:\n  buy: {propertys: {}}\n", 'buy: unknown field "propertys"; there are description, properties'),
        ("events:\n  buy: {properties: {a: {type: float}}}\n", 'buy.a: expected a type'),
        ("events:\n  buy: {properties: {a: {type: []}}}\n", "buy.a: expected a type"),
        ("events:\n  buy: {properties: {a: {}}}\n", "got nothing (type)"),
        ("events:\n  buy: {properties: {a: {type: string, required: 1}}}\n", "expected true or false"),
        ("events:\n  buy: {properties: {a: string}}\n", "buy.a: expected names"),
        ("events: [buy]\n", "events: expected names"),
        ("- events\n", "expected names"),
        ("events: {buy: {description: [1]}}\n", "expected a text"),
        ("events:\n  buy: {\n", "line 3: "),
        ("events: !!python/object/apply:os.system [true]\n", "line 1: could not determine a constructor"),
        ("a: " + "[" * 5000, "nested too deep"),
        ("events: {? {a: b} : c}\n", "line 1: found unhashable key"),
        ("\x00", "special characters are not allowed"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "events.yml"
    path.write_text(text)
    with pytest.raises(InvalidParameter) as refused:
        read_plan(path)
    assert str(path) in refused.value.message
    assert told in refused.value.message


def test_a_plan_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="sv check-events --write"):
        read_plan(tmp_path / "none.yml")
    large = tmp_path / "large.yml"
    large.write_bytes(b"#" * (5 << 20))
    with pytest.raises(InvalidParameter, match="4,194,304 bytes"):
        read_plan(large)
    with pytest.raises(InvalidParameter, match="Is a directory"):
        read_plan(tmp_path)
