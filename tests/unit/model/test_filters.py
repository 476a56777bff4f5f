"""What filters mean, and which ones are refused."""

import pytest

from sv.model import limits
from sv.model.errors import ValidationFailed
from sv.model.filters import (
    NEGATED,
    Filter,
    Operator,
    compares_path,
    lower,
    matches,
    parse_filters,
    read_properties,
    url_path,
)
from sv.model.validate import Problems

PAGE = "https://shop.example/pricing/?utm_source=x#top"
EVENT: dict[str, object] = {
    "plan": "Pro",
    "price": 10,
    "rate": 0.5,
    "big": 2**63 + 1,
    "trial": True,
    "none": None,
    "empty": "",
    "digits": "10",
    "tags": ["a", "b"],
    "deep": {"plan": "Pro"},
    "city": "ÅRHUS İZMİR ΟΔΟΣ",
    "at": "2025-01-31",
    "lines": "one\ntwo",
    "$current_url": PAGE,
    "$.*": "odd name",
    "a/b~c": "slash",
    "deep.plan": "dotted",
}

HOLDS: list[tuple[str, str, object, bool]] = [
    ("plan", "exact", "Pro", True),
    ("plan", "exact", "pro", False),
    ("plan", "exact", ["Free", "Pro"], True),
    ("plan", "exact", ["Free", 10], False),
    ("price", "exact", 10, True),
    ("price", "exact", 10.0, True),
    ("price", "exact", "10", False),
    ("digits", "exact", 10, False),
    ("digits", "exact", "10", True),
    ("price", "exact", ["10", 10], True),
    ("trial", "exact", True, True),
    ("trial", "exact", 1, False),
    ("trial", "exact", "true", False),
    ("price", "exact", True, False),
    ("big", "exact", 2**63 + 1, True),
    ("big", "exact", 2**63 + 2, False),
    ("big", "exact", float(2**63), False),
    ("rate", "exact", 0.5, True),
    ("empty", "exact", "", True),
    ("none", "exact", "", False),
    ("tags", "exact", "a", False),
    ("deep", "exact", "Pro", False),
    ("$.*", "exact", "odd name", True),
    ("a/b~c", "exact", "slash", True),
    ("deep.plan", "exact", "dotted", True),
    ("absent", "exact", "Pro", False),
    ("plan", "is_not", "Free", True),
    ("plan", "is_not", "Pro", False),
    ("plan", "is_not", ["Free", "Pro"], False),
    ("price", "is_not", "10", True),
    ("absent", "is_not", "Pro", True),
    ("none", "is_not", "Pro", True),
    ("plan", "icontains", "RO", True),
    ("plan", "icontains", "roo", False),
    ("city", "icontains", "århus izmir", True),
    ("city", "icontains", "οδοσ", True),
    ("price", "icontains", "1", False),
    ("trial", "icontains", "tru", False),
    ("tags", "icontains", "a", False),
    ("absent", "icontains", "a", False),
    ("price", "not_icontains", "1", True),
    ("absent", "not_icontains", "1", True),
    ("plan", "not_icontains", "p", False),
    ("plan", "icontains", "%", False),
    ("plan", "icontains", "P_o", False),
    ("plan", "regex", "^P", True),
    ("plan", "regex", "r", True),
    ("plan", "regex", "^r", False),
    ("plan", "regex", "(?i)PRO$", True),
    ("lines", "regex", "one.two", False),
    ("price", "regex", "1", False),
    ("absent", "regex", ".*", False),
    ("absent", "not_regex", ".*", True),
    ("plan", "not_regex", "^P", False),
    ("price", "gt", 9.5, True),
    ("price", "gt", 10, False),
    ("price", "gte", 10, True),
    ("price", "lt", 10.5, True),
    ("price", "lte", 9, False),
    ("price", "gt", "1", False),
    ("digits", "gt", 1, False),
    ("digits", "lt", "9", True),
    ("at", "gte", "2025-01-31", True),
    ("at", "lt", "2025-02", True),
    ("trial", "gt", 0, False),
    ("trial", "lte", 1, False),
    ("absent", "lt", 5, False),
    ("none", "lte", 0, False),
    ("tags", "gt", "", False),
    ("plan", "is_set", None, True),
    ("empty", "is_set", None, True),
    ("tags", "is_set", None, True),
    ("none", "is_set", None, False),
    ("absent", "is_set", None, False),
    ("none", "is_not_set", None, True),
    ("absent", "is_not_set", None, True),
    ("empty", "is_not_set", None, False),
    ("$current_url", "exact", "/pricing", True),
    ("$current_url", "exact", "/pricing/", True),
    ("$current_url", "exact", "/pricing?a=b", True),
    ("$current_url", "exact", "/pricin", False),
    ("$current_url", "exact", "/Pricing", False),
    ("$current_url", "exact", "/", False),
    ("$current_url", "exact", PAGE, True),
    ("$current_url", "exact", "https://shop.example/pricing", False),
    ("$current_url", "exact", ["/home", "/pricing"], True),
    ("$current_url", "exact", [PAGE, "/home"], True),
    ("$current_url", "is_not", "/pricing", False),
    ("$current_url", "is_not", "/home", True),
    ("$current_url", "icontains", "/PRIC", True),
    ("$current_url", "icontains", "/pricing/", True),
    ("$current_url", "icontains", "/shop", False),
    ("$current_url", "icontains", "shop.example", True),
    ("$current_url", "icontains", "utm_source", True),
    ("$current_url", "icontains", "/pricing/?utm", False),
    ("$current_url", "not_icontains", "/pric", False),
    ("$current_url", "regex", "/pricing$", True),
    ("$current_url", "regex", "/pricing/$", True),
    ("$current_url", "regex", "/pricing/x", False),
    ("$current_url", "regex", "^https", True),
    ("$current_url", "not_regex", "/pricing$", False),
    ("$current_url", "gte", "/pricing", True),
    ("$current_url", "gt", "/pricing/", False),
]


@pytest.mark.parametrize(("name", "operator", "value", "expected"), HOLDS, ids=lambda v: str(v)[:24])
def test_a_filter_holds_by_json_type(name: str, operator: str, value: object, expected: bool) -> None:
    (item,) = parse_filters([{"property": name, "operator": operator, "value": value}])
    assert matches(item, EVENT) is expected


OPPOSITE = {positive: negative for negative, positive in NEGATED.items()} | NEGATED


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"), [case for case in HOLDS if case[1] in OPPOSITE], ids=lambda v: str(v)[:24]
)
def test_a_negation_holds_wherever_its_positive_does_not(name: str, operator: str, value: object, expected: bool) -> None:
    (item,) = parse_filters([{"property": name, "operator": OPPOSITE[Operator(operator)], "value": value}])
    assert matches(item, EVENT) is not expected


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("https://a.example//", "/"),
        ("https://a.example?next=/x", ""),
        ("https://a.example#/x", ""),
        ("https://a.example/p", "/p"),
        ("https://a.example/p/", "/p"),
        ("https://a.example/p/?q#f", "/p"),
        ("https://user:pw@a.example:8443/p#f?q", "/p"),
        ("HTTP://A.example/P", "/P"),
        ("android-app://com.example/p", "/p"),
        ("file:///p/q", "/p/q"),
        ("/p?q", "/p"),
        ("//cdn.example/p", "//cdn.example/p"),
        ("/", ""),
        ("", None),
        ("about:blank", None),
        ("mailto:a@b.example/c", None),
        ("a.example/p", None),
        ("?q=/p", None),
        ("1http://a/p", None),
        ("https://a.example/ü p/\u2028", "/ü p/\u2028"),
        ("https://a.example/a\nb?c", "/a\nb"),
    ],
)
def test_the_path_of_a_url(url: str, path: str | None) -> None:
    assert url_path(url) == path


def test_the_root_of_a_site_is_a_slash_and_what_is_no_url_is_no_root() -> None:
    root = Filter("$current_url", Operator.EXACT, "/")
    held = [
        u
        for u in ("https://a.example", "https://a.example/?x", "/", "", "about:blank", "https://a/b")
        if matches(root, {"$current_url": u})
    ]
    assert held == ["https://a.example", "https://a.example/?x", "/"]
    found = [p for p in ("/", "/$", "/x") if matches(Filter("$current_url", Operator.REGEX, p), {"$current_url": "https://a"})]
    assert found == ["/", "/$"]


def test_a_folder_contains_its_pages_and_not_its_namesakes() -> None:
    folder = Filter("$current_url", Operator.ICONTAINS, "/blog/")
    held = [
        p
        for p in ("/blog", "/blog/", "/blog/post", "/blogger", "/x/Blog/y")
        if matches(folder, {"$current_url": f"https://a.example{p}"})
    ]
    assert held == ["/blog", "/blog/", "/blog/post", "/x/Blog/y"]


def test_only_the_current_url_is_compared_by_its_path() -> None:
    assert compares_path("$current_url", "/p")
    assert not compares_path("$referrer", "/p")
    assert not compares_path("$current_url", "p")
    assert not compares_path("$current_url", 7)


def test_lower_case_is_by_the_character() -> None:
    assert lower("İΣ ΑΣ ẞ") == "iσ ασ ß"


def test_filters_that_only_python_takes_for_equal_are_not_equal() -> None:
    one, yes = Filter("p", Operator.EXACT, 1), Filter("p", Operator.EXACT, True)
    assert one != yes
    assert len({one, yes, Filter("p", Operator.EXACT, "1"), Filter("p", Operator.EXACT, (1,))}) == 4
    assert one == Filter("p", Operator.EXACT, 1.0)
    assert hash(one) == hash(Filter("p", Operator.EXACT, 1.0))
    assert one != ("p", Operator.EXACT, 1)


def test_the_operator_is_exact_where_none_is_named() -> None:
    assert parse_filters([{"property": "p", "value": [1, "a", True]}]) == (Filter("p", Operator.EXACT, (1, "a", True)),)
    assert parse_filters([{"property": "p", "operator": None, "value": 1}]) == (Filter("p", Operator.EXACT, 1),)
    assert parse_filters(None) == ()
    assert parse_filters([]) == ()


def test_numbers_and_text_are_read_as_events_are_stored() -> None:
    read = parse_filters(
        [{"property": "p\x00", "value": 2**64}, {"property": "p", "value": "a\x00\ud800"}, {"property": "p", "value": 2**64 - 1}]
    )
    assert [(f.property, f.value) for f in read] == [("p\ufffd", float(2**64)), ("p", "a\ufffd\ufffd"), ("p", 2**64 - 1)]
    assert isinstance(read[0].value, float)


def test_the_short_form_is_exact() -> None:
    problems = Problems()
    found = read_properties({"plan": "pro", "n": [1, 2.5], "t": False}, "properties", problems)
    assert not problems
    assert found == (
        Filter("plan", Operator.EXACT, "pro"),
        Filter("n", Operator.EXACT, (1, 2.5)),
        Filter("t", Operator.EXACT, False),
    )


def one(**fields: object) -> list[object]:
    return [{"property": "p", "value": "v"} | fields]


BAD_FILTERS: list[tuple[object, str]] = [
    ({}, "filters"),
    ("x", "filters"),
    (0, "filters"),
    (True, "filters"),
    ([{"property": "p", "value": 1}] * 51, "filters"),
    ([None], "filters[0]"),
    (["x"], "filters[0]"),
    ([[]], "filters[0]"),
    ([{"property": "p", "value": 1}, 7], "filters[1]"),
    ([{"value": 1}], "filters[0].property"),
    (one(property=""), "filters[0].property"),
    (one(property=7), "filters[0].property"),
    (one(property=["p"]), "filters[0].property"),
    (one(property="p" * 201), "filters[0].property"),
    (one(operator="EXACT"), "filters[0].operator"),
    (one(operator=""), "filters[0].operator"),
    (one(operator="exact "), "filters[0].operator"),
    (one(operator="like"), "filters[0].operator"),
    (one(operator="__class__"), "filters[0].operator"),
    (one(operator=0), "filters[0].operator"),
    (one(operator=["exact"]), "filters[0].operator"),
    (one(operator={"$ne": 1}), "filters[0].operator"),
    (one(op="exact"), "filters[0].op"),
    (one(type="person"), "filters[0].type"),
    (one(**{"x" * 5000: 1}), "filters[0]." + "x" * 100 + "…"),
    (one(**{"\u202e\x00": 1}), "filters[0].'\\u202e\\ufffd'"),
    ([{"property": "p"}], "filters[0].value"),
    (one(value=None), "filters[0].value"),
    (one(value={}), "filters[0].value"),
    (one(value=[]), "filters[0].value"),
    (one(value=[None]), "filters[0].value[0]"),
    (one(value=[1, [2]]), "filters[0].value[1]"),
    (one(value=["a", {}]), "filters[0].value[1]"),
    (one(value=[1] * 1001), "filters[0].value"),
    (one(value="v" * 8193), "filters[0].value"),
    (one(value=10**400), "filters[0].value"),
    (one(value=float("inf")), "filters[0].value"),
    (one(value=float("nan")), "filters[0].value"),
    (one(operator="is_not", value=None), "filters[0].value"),
    (one(operator="icontains", value=7), "filters[0].value"),
    (one(operator="icontains", value=""), "filters[0].value"),
    (one(operator="icontains", value=["a"]), "filters[0].value"),
    (one(operator="not_icontains", value=None), "filters[0].value"),
    (one(operator="regex", value=True), "filters[0].value"),
    (one(operator="regex", value=""), "filters[0].value"),
    (one(operator="regex", value="a" * 1001), "filters[0].value"),
    (one(operator="not_regex", value=["a"]), "filters[0].value"),
    (one(operator="gt", value=True), "filters[0].value"),
    (one(operator="gt", value=None), "filters[0].value"),
    (one(operator="gte", value=[1]), "filters[0].value"),
    (one(operator="lt", value={}), "filters[0].value"),
    (one(operator="lte", value=float("-inf")), "filters[0].value"),
    (one(operator="is_set"), "filters[0].value"),
    (one(operator="is_set", value=False), "filters[0].value"),
    (one(operator="is_not_set", value=0), "filters[0].value"),
]


@pytest.mark.parametrize(("data", "field"), BAD_FILTERS, ids=lambda v: repr(v)[:40])
def test_a_bad_filter_is_refused_by_the_path_of_what_is_wrong(data: object, field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse_filters(data)
    assert [d.field for d in caught.value.details] == [field]
    assert caught.value.message.startswith(field)
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([], "properties"),
        ("plan", "properties"),
        (7, "properties"),
        ({str(i): 1 for i in range(51)}, "properties"),
        ({"": 1}, "properties."),
        ({"p" * 201: 1}, "properties." + "p" * 100 + "…"),
        ({"p": None}, "properties.p"),
        ({"p": {}}, "properties.p"),
        ({"p": {"operator": "gt"}}, "properties.p"),
        ({"p": []}, "properties.p"),
        ({"p": [1, None]}, "properties.p[1]"),
    ],
    ids=lambda v: repr(v)[:40],
)
def test_a_bad_short_form_is_refused_by_the_path_of_what_is_wrong(data: object, field: str) -> None:
    problems = Problems()
    read_properties(data, "properties", problems)
    assert [d.field for d in problems.details] == [field]


def test_every_wrong_field_is_named_and_their_number_is_bounded() -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse_filters([{"property": "", "operator": "x", "extra": 1}, {"property": "p", "operator": "gt"}])
    assert [d.field for d in caught.value.details] == [
        "filters[0].extra",
        "filters[0].property",
        "filters[0].operator",
        "filters[1].value",
    ]
    with pytest.raises(ValidationFailed) as caught:
        parse_filters([{str(i): 1 for i in range(10_000)}])
    assert len(caught.value.details) == limits.MAX_DETAILS
    assert caught.value.message.endswith("; and 9999 more")
