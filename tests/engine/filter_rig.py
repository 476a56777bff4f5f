"""Values, names and filters of every kind, and a strategy of filters over them."""

from typing import Any

from hypothesis import strategies as st

from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.model.filters import Filter, Operator, parse_filters

TYPED = [*STRING_PROPERTY_COLUMNS, "$is_bot"]
HOSTILE = [
    "plan", "n", "$.*", "$", "$$", "/", "//", "~", "~0", "~1", "a/b", "a~1b", '"', "'", "\\", " ", "-", "0", "10", "ü", "\u2028", "*", "[0]", "a.b", "#", "$p0",
    "); drop table buffer_1; --", "properties", "id", "%", "_", "x" * 200, "\ufffd",
]  # fmt: skip
BORDERS = [
    0,
    1,
    -1,
    10,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**63 + 1,
    2**64 - 1,
    -(2**53) - 1,
    -(2**63),
    -(2**63) + 1,
]
FRACTIONS = [
    0.0,
    -0.0,
    0.1,
    0.5,
    -0.5,
    1.0,
    10.0,
    10.5,
    1e16,
    1e19,
    1e300,
    -1e300,
    5e-324,
    2.0**53,
    2.0**63,
    2.0**64,
    -(2.0**63),
    9.3e18,
    1.5e308,
]
TEXTS = [
    "", "a", "A", "b", "ab", "10", "10.0", "1e1", "true", "false", "null", "[]", "ß", "ẞ", "İ", "i", "Σ", "σ", "ς", "ü\u0308", " a ", "a%", "a_", "%", "'", '"', "\\",
    "a\nb", "2025-01-31", "2025-02-01T00:00:00Z", "\U0001f600", "$other", "Chrome", "x" * 300,
]  # fmt: skip
PAGES = [
    "/", "/p", "/p/", "/P", "/p/q", "/pq", "/p?x=1", "/p#x", "https://a.example", "https://a.example/", "https://a.example/p", "https://a.example/p/?x#y",
    "https://b.example/p/q", "https://a.example/?p=/p", "about:blank", "mailto:x@y", "//a/p", "https://a.example/ü",
]  # fmt: skip
REGEXES = [
    "a",
    "^a$",
    "^$",
    "[0-9]+",
    "(?i)AB?",
    ".",
    "x|ß",
    r"\d",
    "^/p$",
    "^/$",
    "/p/",
    r"\.example",
    "^/p/q?$",
    "(a)(b)",
    "^.b",
    "%",
    "'",
]

scalars = st.sampled_from([*BORDERS, *FRACTIONS, *TEXTS, *PAGES, True, False])
values = st.one_of(scalars, st.sampled_from([None, [], ["a"], [10], {}, {"a": 1}, [None], 2**64, -(2**63) - 1, 10**30]))
names = st.sampled_from([*TYPED, *HOSTILE])
properties = st.dictionaries(names, values, max_size=10)


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    operator = draw(st.sampled_from(Operator))
    if operator in (Operator.IS_SET, Operator.IS_NOT_SET):
        value: Any = None
    elif operator in (Operator.EXACT, Operator.IS_NOT):
        value = draw(st.one_of(scalars, st.lists(scalars, min_size=1, max_size=5), st.sampled_from([2**64, 10**30])))
    elif operator in (Operator.REGEX, Operator.NOT_REGEX):
        value = draw(st.sampled_from(REGEXES))
    elif operator in (Operator.ICONTAINS, Operator.NOT_ICONTAINS):
        value = draw(st.sampled_from([text for text in [*TEXTS, *PAGES] if text]))
    else:
        value = draw(st.sampled_from([*BORDERS, *FRACTIONS, *TEXTS, *PAGES, 2**64, -(10**30)]))
    (item,) = parse_filters([{"property": draw(names), "operator": operator.value, "value": value}])
    return item
