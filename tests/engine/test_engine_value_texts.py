"""A value's JSON text is the one that the engine writes, whoever makes it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sv.engine.duck.keys.key_values import json_texts, strings_of
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from tests.engine.rig import LIMITS, Rig

STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def by_the_engine(rig: Rig, values: list[str]) -> dict[str, str]:
    params = Params()
    held = params.bind(values)
    statement = f"select value, to_json(value)::varchar from (select unnest({held}::varchar[]) as value)"
    return dict(Statements(rig.database).rows(params.sql(statement), LIMITS))


def test_the_text_of_each_ascii_character_is_the_engines(rig: Rig) -> None:
    values = ["", *map(chr, range(1, 128))]
    texts = json_texts(values, Statements(rig.database), LIMITS)
    assert texts == by_the_engine(rig, values)
    assert strings_of(texts.values(), Statements(rig.database), LIMITS) == {text: value for value, text in texts.items()}


@settings(max_examples=60, deadline=None)
@given(st.lists(STRINGS, max_size=8, unique=True))
def test_texts_of_any_strings_are_the_engines_and_mean_them(shared_rig: Rig, values: list[str]) -> None:
    statements = Statements(shared_rig.database)
    texts = json_texts(values, statements, LIMITS)
    assert texts == by_the_engine(shared_rig, values)
    assert strings_of(texts.values(), statements, LIMITS) == {text: value for value, text in texts.items()}


def test_a_text_that_is_no_string_has_none(rig: Rig) -> None:
    texts = ["1", "true", "null", '{"a":"b"}', '["a"]', '"a"', '"\\u00e9"']
    found = strings_of(texts, Statements(rig.database), LIMITS)
    assert [found[text] for text in texts] == [None, None, None, None, None, "a", "é"]
