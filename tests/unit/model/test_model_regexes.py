"""What a regular expression costs: its wildcards, classes, choices and repetitions, written out."""

import random
import re

import pytest

from sv.model.errors import ValidationFailed
from sv.model.filters import matches, parse_filters
from sv.model.regexes import MAX_REGEX_COST, MAX_REGEX_TEXT_CHARS, cost_of, is_simple, required_text


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ("", 0),
        ("checkout", 0),
        ("^/blog/", 0),
        (r"\.pdf$", 0),
        ("a.b", 1),
        ("a|b", 1),
        ("a+b*c?", 3),
        ("a+?", 2),
        (r"\d\D\s\S\w\W\pL", 7),
        (r"\p{Greek}\P{L}", 2),
        (r"\b\A\z\n\.\x{10FFFF}\x41", 0),
        ("[abc]", 1),
        ("[^]]", 1),
        ("[]a]b", 1),
        (r"[\]{9}]", 1),
        ("[[:alpha:]{9}]", 1),
        ("[", 1),
        ("a{3}", 3),
        ("a{2,}", 2),
        ("a{2,5}", 5),
        ("a{,5}", 0),
        ("a{x}", 0),
        (".{3}", 3),
        ("a.{900}b", 900),
        ("(?:ab){3}", 3),
        ("(a.){3}", 3),
        ("((a.){2}b){3}", 6),
        ("(?i)a|(?P<name>b)", 1),
        (r"\Q.*+{900}\E.", 1),
        (r"\Q.*", 0),
        (")))", 0),
        ("(((", 0),
        ("\\", 0),
        ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 32),
    ],
)
def test_the_cost_of_a_pattern_is_what_it_has_written_out(pattern: str, cost: int) -> None:
    assert cost_of(pattern) == cost


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("checkout", "checkout"),
        ("s.*12", "12"),
        (r"^/blog/.*\.html$", "/blog/"),
        (r"example\.com", "example.com"),
        ("ab+cde", "cde"),
        ("abc?d", "ab"),
        ("ab*?cd", "cd"),
        (r"[a-z]+foo\d+b", "foo"),
        ("[^/]é.", "é"),
        ("ab|cd", ""),
        ("(ab)?", ""),
        ("ab{0,2}", ""),
        ("(?i)ab", ""),
        (r"\Qab", ""),
        (r"\x61b", ""),
        (r"\pLab", ""),
        ("[]a]bc", ""),
        ("[[:alpha:]]bc", ""),
        ("a**bc", ""),
        ("bc\\", ""),
    ],
)
def test_what_all_that_a_pattern_matches_has_in_it(pattern: str, text: str) -> None:
    assert required_text(pattern) == text


def test_what_a_pattern_needs_is_in_all_that_it_matches() -> None:
    rng = random.Random(3)
    parts = ["a", "b", r"\.", ".", "[ab]", r"\d", "^", "$", "a*", "b+", "a?", "b+?", ".*", "|", "(a)", "a{2}"]
    matched = 0
    for _ in range(3000):
        pattern = "".join(rng.choices(parts, k=rng.randrange(1, 7)))
        for _ in range(4):
            text = "".join(rng.choices("ab.1", k=rng.randrange(6)))
            if re.search(pattern, text):
                matched += 1
                assert required_text(pattern) in text, (pattern, text)
    assert matched > 1000


def test_a_pattern_within_the_limit_is_taken_and_one_beyond_it_refused() -> None:
    parse_filters([{"property": "p", "operator": "regex", "value": "." * MAX_REGEX_COST}])
    for pattern in ("." * (MAX_REGEX_COST + 1), "a{301}", "(a{20}){20}", "a.{900}b", "((a{1000}){1000}){1000}"):
        for operator in ("regex", "not_regex"):
            with pytest.raises(ValidationFailed) as caught:
                parse_filters([{"property": "p", "operator": operator, "value": pattern}])
            assert caught.value.details[0].field == "filters[0].value"
            assert "at most 300 wildcards" in caught.value.message


def test_a_simple_pattern_sees_a_whole_value_and_a_costly_one_its_beginning() -> None:
    simple, costly = "x$", "[a-z]{9}x$"
    assert is_simple(simple)
    assert not is_simple(costly)
    for length, held in ((MAX_REGEX_TEXT_CHARS, True), (MAX_REGEX_TEXT_CHARS + 1, False)):
        text = "a" * (length - 1) + "x"
        for pattern, expected in ((simple, True), (costly, held)):
            (item,) = parse_filters([{"property": "p", "operator": "regex", "value": pattern}])
            assert matches(item, {"p": text}) is expected
