"""What longer texts are searched by: windows. And what short ones may have been: spellings."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from sv.model.search import WINDOW_CHARS, folded, spellings, windows, windows_of

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("ab1@\0"), st.characters(exclude_categories=["Cs"])), max_size=30)


@given(TEXTS, TEXTS, TEXTS)
def test_the_windows_of_a_part_are_part_of_the_windows(before: str, part: str, after: str) -> None:
    assert windows(part) in windows(before + part + after)
    assert len(windows(part)) == max(len(part) - WINDOW_CHARS + 1, 0)


@given(st.lists(TEXTS))
def test_the_windows_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    each = ["".join(windows(text[start : start + WINDOW_CHARS]) for start in range(len(text))) for text in texts]
    assert windows_of(texts) == each


def test_numbers_that_differ_have_windows_that_differ() -> None:
    assert len({windows(f"{number:05d}") for number in range(100_000)}) == 100_000


@given(TEXTS)
def test_windows_are_text_that_any_index_takes(text: str) -> None:
    made = windows(text)
    assert made.encode().decode() == made
    assert made == made.lower()
    assert all(character.isalpha() for character in made)


def test_every_character_is_a_spelling_of_what_it_is_folded_to() -> None:
    changed = [character for character in map(chr, range(sys.maxunicode + 1)) if folded(character) != character]
    assert [character for character in changed if character not in spellings(folded(character))] == []


def test_spellings_are_the_texts_that_are_folded_to_one() -> None:
    assert sorted(spellings("a1")) == ["A1", "a1"]
    assert sorted(spellings("ki")) == sorted(a + b for a in "kK\u212a" for b in "iIİ")
    assert spellings("A") == [], "nothing is folded to a capital"
