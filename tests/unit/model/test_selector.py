"""CSS selectors as far as smart events know them: what is read, and at which character the rest is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model import limits
from sv.model.selector import AttributeTest, Part, Path, Selector, SelectorFault, parse_selector


def one(text: str) -> Part:
    (path,) = parse_selector(text).paths
    (part,) = path.parts
    return part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a", Part("a")),
        ("  DIV \n", Part("div")),
        ("my-tag", Part("my-tag")),
        ("*", Part()),
        ("#buy", Part(ids=("buy",))),
        ("*.btn", Part(classes=("btn",))),
        ("a.b.c#d", Part("a", ("d",), ("b", "c"))),
        ("[Href]", Part(attributes=(AttributeTest("href", None),))),
        ('[ href = "/x" ]', Part(attributes=(AttributeTest("href", "/x"),))),
        ("[a='\"']", Part(attributes=(AttributeTest("a", '"'),))),
        ('[a=""]', Part(attributes=(AttributeTest("a", ""),))),
        ("[a=b-c]", Part(attributes=(AttributeTest("a", "b-c"),))),
        ('[id="7"]', Part(ids=("7",))),
        ("[id]", Part(attributes=(AttributeTest("id", None),))),
        (r".md\:flex", Part(classes=("md:flex",))),
        (r".\31 st", Part(classes=("1st",))),
        (r".\000031st", Part(classes=("1st",))),
        (r".\0", Part(classes=("\ufffd",))),
        (r".\d800", Part(classes=("\ufffd",))),
        (r".\ffffff", Part(classes=("\ufffd",))),
        (".é", Part(classes=("é",))),
        ("._", Part(classes=("_",))),
        (".--x", Part(classes=("--x",))),
        ('[a="x\\\ny"]', Part(attributes=(AttributeTest("a", "xy"),))),
    ],
)
def test_a_part_is_read_as_css_reads_it(text: str, part: Part) -> None:
    assert one(text) == part


def test_combinators_and_lists_are_read_from_left_to_right() -> None:
    a, b, c = Part("a"), Part("b"), Part("c")
    assert parse_selector("a  b>c").paths == (Path((a, b, c), (" ", ">")),)
    assert parse_selector("a > b , c").paths == (Path((a, b), (">",)), Path((c,)))
    assert parse_selector(" a\t>\nb ").text == "a\t>\nb"


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "got the end"),
        ("   ", 0, "got the end"),
        ("a >", 3, "got the end"),
        ("> a", 0, "expected a tag"),
        ("a > > b", 4, "expected a tag"),
        ("a,", 2, "got the end"),
        (",a", 0, "expected a tag"),
        ("a:hover", 1, "pseudo-classes are not supported"),
        ("li:nth-child(2)", 2, "pseudo-classes are not supported"),
        ("a + b", 2, r"the combinator \+ is not supported"),
        ("a ~ b", 2, "the combinator ~ is not supported"),
        ("svg|a", 3, "namespaces are not supported"),
        ("a/**/b", 1, "comments are not supported"),
        ("[href^='x']", 5, "expected = or ]"),
        ("[href*=x]", 5, "expected = or ]"),
        ("[a=1]", 3, "expected a value"),
        ("[a='x' i]", 7, "expected ]"),
        ("[a", 2, "expected = or ]"),
        ("[a='x", 3, "does not end"),
        ("[a='x\n']", 3, "does not end"),
        ("[class=x]", 1, "classes are written as .name"),
        (".1a", 1, "expected a class"),
        (".", 1, "expected a class"),
        ("#", 1, "expected an id"),
        ("#-", 2, "expected an id"),
        ("a\\", 1, "expected a selector's end"),
        ("a}b", 1, "expected a selector's end"),
        ("**", 1, "expected a selector's end"),
        ("a*", 1, "expected a selector's end"),
    ],
)
def test_what_is_no_selector_is_refused_at_its_character(text: str, position: int, message: str) -> None:
    with pytest.raises(SelectorFault, match=message) as raised:
        parse_selector(text)
    assert raised.value.position == position
    assert str(raised.value).endswith(f"at character {position + 1}")


def test_bounds_hold() -> None:
    assert len(parse_selector(" ".join(["a"] * limits.MAX_SELECTOR_PARTS)).paths[0].parts) == limits.MAX_SELECTOR_PARTS
    for separator in (" ", ",", ">"):
        with pytest.raises(SelectorFault, match="at most 24 parts"):
            parse_selector(separator.join(["a"] * (limits.MAX_SELECTOR_PARTS + 1)))
    assert one("a" * limits.MAX_SELECTOR_CHARS).tag == "a" * limits.MAX_SELECTOR_CHARS
    with pytest.raises(SelectorFault, match="at most 1,000 characters"):
        parse_selector("a" * (limits.MAX_SELECTOR_CHARS + 1))


PIECES = st.sampled_from(
    [
        "a",
        "#b",
        ".c",
        "[d]",
        "[e='f']",
        " ",
        ">",
        ",",
        "*",
        "\\",
        "'",
        '"',
        "]",
        "[",
        "=",
        "\n",
        "\\31 ",
        "-",
        "é",
        "\0",
        "\ud800",
    ]
)


@given(st.text(st.characters(exclude_categories=()), max_size=40) | st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_selector_or_a_fault_within_it(text: str) -> None:
    found = outcome(text)
    if isinstance(found, SelectorFault):
        assert 0 <= found.position <= len(text)
        assert str(found).encode()
    else:
        assert parse_selector(found.text) == found


def outcome(text: str) -> Selector | SelectorFault:
    try:
        return parse_selector(text)
    except SelectorFault as fault:
        return fault
