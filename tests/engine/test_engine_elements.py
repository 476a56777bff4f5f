"""Selectors and texts over events' elements: against plain Python, and in small stories."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.engine.port import Matcher
from sv.model.limits import MAX_ELEMENTS, MAX_SELECTOR_PARTS
from sv.model.selector import Path, Selector, parse_selector
from sv.model.smart_events import Rule
from tests.chance import examples
from tests.engine import elements_reference as reference
from tests.engine.elements_reference import chains, path_lists, written
from tests.engine.rig import NOON, Rig, State, event, opened

CHAINS = 800


def random_chains(seed: int) -> list[Any]:
    """What a few hundred draws of the strategy look like, without drawing them in every run: deep enough to need going back."""
    rng = random.Random(seed)

    def element() -> Any:
        if rng.random() < 0.04:
            return rng.choice(
                [None, 5, "a", [], {}, {"tag": None}, {"tag": "a", "classes": "buy"}, {"tag": "a", "attributes": ["href"]}]
            )
        made: dict[str, Any] = {"tag": rng.choice(reference.TAGS)}
        if rng.random() < 0.3:
            made["id"] = rng.choice(reference.WORDS)
        if rng.random() < 0.6:
            made["classes"] = rng.choices(reference.WORDS, k=rng.randrange(4))
        if rng.random() < 0.6:
            made["attributes"] = {
                key: rng.choice([*reference.WORDS, 5, True, None]) for key in rng.sample(reference.KEYS, rng.randrange(3))
            }
        if rng.random() < 0.4:
            made["text"] = rng.choice(reference.TEXTS)
        return made

    return [[element() for _ in range(rng.randrange(9))] for _ in range(CHAINS)]


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, list[Any]]]:
    """Events with random elements, the n-th being the n-th person's."""
    with opened(tmp_path_factory.mktemp("clicks")) as rig:
        made = random_chains(1)
        rig.buffer(rig.batch([event("$click", f"{n}", NOON + n, **{"$elements": chain}) for n, chain in enumerate(made)]))
        yield rig, made


def found(rig: Rig, *rules: Rule) -> list[int]:
    """Which persons' events the rules mean, in order."""
    return sorted(int(row.distinct_id) for row in rig.rows(matcher=Matcher(None, rules=rules)))


def held(rig: Rig, elements: Any, selector: str | None, text: str | None = None) -> bool:
    """Whether one event with these elements is meant, in an engine of its own."""
    rig.buffer(rig.batch([event("$click", "1", NOON, **{"$elements": elements})]))
    parsed = None if selector is None else parse_selector(selector)
    answer = found(rig, Rule(selector=parsed, text=text)) == [1]
    rig.tables.drop_buffer(rig.buffers.pop())
    return answer


@given(path_lists, st.one_of(st.none(), st.sampled_from(["Buy now", "buy now", '"}]', "é"])))
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_selector_means_the_events_that_plain_python_says(
    clicks: tuple[Rig, list[Any]], paths: tuple[Path, ...], text: str | None
) -> None:
    rig, made = clicks
    selector = parse_selector(written(paths))
    expected = [n for n, chain in enumerate(made) if reference.holds(chain, selector, text)]
    assert found(rig, Rule(selector=selector, text=text)) == expected


@given(chains, path_lists)
@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_elements_of_any_shape_are_read_as_plain_python_reads_them(shared_rig: Rig, chain: Any, paths: tuple[Path, ...]) -> None:
    selector = Selector("", paths)
    shared_rig.buffer(shared_rig.batch([event("$click", "1", NOON, **{"$elements": chain})]))
    for part_of in (selector, Selector("", (Path((paths[0].parts[-1],)),)), None):
        for text in (None, "Buy now"):
            expected = [1] if reference.holds(chain, part_of, text) else []
            assert found(shared_rig, Rule("$click", selector=part_of, text=text)) == (expected if part_of or text else [1])
    shared_rig.tables.drop_buffer(shared_rig.buffers.pop())


def test_the_random_elements_put_selectors_to_the_test(clicks: tuple[Rig, list[Any]]) -> None:
    rig, made = clicks
    for text in ("div a", "div > a", "a b div > span", ".buy", "#buy", "[href]", '[href="]"]', "* > * > *"):
        assert 0 < len(found(rig, Rule(selector=parse_selector(text)))) < len(made), text


ICON = {"tag": "svg"}
BUTTON = {
    "tag": "button",
    "id": "buy",
    "classes": ["btn", "md:flex"],
    "attributes": {"type": "submit", "data-plan": "pro"},
    "text": " Buy\n now ",
}
FORM = {"tag": "form", "classes": ["checkout"]}
MAIN = {"tag": "main"}
BODY = {"tag": "body", "classes": ["dark"]}
CHAIN = [ICON, BUTTON, FORM, MAIN, BODY]


@pytest.mark.parametrize(
    ("selector", "text", "expected"),
    [
        ("svg", None, True),
        ("button", None, True),
        ("BUTTON.btn#buy", None, True),
        (".BTN", None, False),
        ("#Buy", None, False),
        ("button.btn.other", None, False),
        (r".md\:flex", None, True),
        ("[type]", None, True),
        ('[TYPE="submit"]', None, True),
        ("[type=submit][data-plan='pro']", None, True),
        ("[type=Submit]", None, False),
        ("[id]", None, True),
        ("[id=buy]", None, True),
        ("form svg", None, True),
        ("form > svg", None, False),
        ("form > button > svg", None, True),
        ("body form > button svg", None, True),
        ("svg form", None, False),
        ("svg > button", None, False),
        ("main > form, nav", None, True),
        ("nav, aside > a", None, False),
        ("*", None, True),
        ("body > *", None, True),
        ("* > body", None, False),
        (None, "Buy now", True),
        (None, "buy now", False),
        (None, "Buy", False),
        ("button", "Buy now", True),
        ("svg", "Buy now", False),
        ("form > button", "Buy now", True),
    ],
)
def test_a_selector_is_read_as_css_reads_it(rig: Rig, selector: str | None, text: str | None, expected: bool) -> None:
    assert held(rig, CHAIN, selector, text) is expected


def test_a_chain_that_a_greedy_search_would_miss_is_found(rig: Rig) -> None:
    # The nearest .b around the click has no .a directly around it; one further out has.
    chain = [{"tag": "c"}, {"tag": "b"}, {"tag": "x"}, {"tag": "b"}, {"tag": "a"}]
    assert held(rig, chain, "a > b c")
    assert not held(rig, chain, "a > b > c")
    assert held(rig, chain, "a > b > x > b > c")
    assert not held(rig, chain, "a > x c")


@pytest.mark.parametrize(
    "hostile",
    [
        '"',
        '\\"',
        '"}],"tag":"button"',
        "\n",
        "\t",
        "]}",
        '{"tag":"button"}',
        "'; drop table events --",
        "$p0",
        "%",
        "\\",
        "\u2028",
        ".*",
    ],
)
def test_what_is_in_an_attribute_is_never_more_than_its_value(rig: Rig, hostile: str) -> None:
    chain = [{"tag": "a", "id": hostile, "classes": [hostile], "attributes": {"title": hostile, hostile: "x"}, "text": hostile}]
    for selector in ("button", "#button", ".button", "[type]", "a[title=button]", "a > a", "b"):
        assert not held(rig, chain, selector), selector
    assert held(rig, chain, f"[title={reference.quoted(hostile)}].{reference.escaped(hostile)}#{reference.escaped(hostile)}")


def test_a_rule_that_is_negated_by_nothing_is_two_valued(rig: Rig, state: State) -> None:
    """Events without elements, with null for them or with something else are no match, and no NULL either."""
    values: list[Any] = [..., None, [], {}, "x", 5, [None], [{"tag": "a"}]]
    sent = [event("$click", f"{n}", NOON + n, **({} if value is ... else {"$elements": value})) for n, value in enumerate(values)]
    rig.place_events(sent, state)
    click = Rule(selector=parse_selector("a"))
    assert found(rig, click) == [7]
    from sv.engine.duck.relation import matches
    from sv.engine.duck.sql import Params

    params = Params()
    condition = matches(Matcher(None, rules=(click, Rule("no such"))), params)
    with rig.database.cursor() as cursor:
        events = "select * from (values ('$click', '{}'), ('x', '{\"$elements\": null}'), ('x', '{\"$elements\": [5]}')) v(event, properties)"
        answers = cursor.execute(f"select {condition} from ({events}) events", params.values).fetchall()
    assert answers == [(False,), (False,), (False,)]


def test_the_largest_selector_is_answered(rig: Rig) -> None:
    chain = [{"tag": "a", "classes": [str(n)]} for n in range(MAX_SELECTOR_PARTS)]
    parts = [rf".\3{n // 10} {n % 10}" if n > 9 else rf".\3{n} " for n in reversed(range(MAX_SELECTOR_PARTS))]
    for combinator in (" ", ">"):
        assert held(rig, chain, combinator.join(parts))
        assert not held(rig, chain, combinator.join([*parts[1:], parts[0]]))
    assert held(rig, chain, ", ".join(["b"] * (MAX_SELECTOR_PARTS - 1) + ["a"]))


def test_elements_beyond_the_bound_are_not_looked_at(rig: Rig) -> None:
    chain = [{"tag": "a"}] * (MAX_ELEMENTS - 1) + [{"tag": "last"}, {"tag": "beyond"}]
    assert held(rig, chain, "last > a")
    assert not held(rig, chain, "beyond")


@pytest.mark.parametrize(
    ("one", "other"), [("ſ", "s"), ("σ", "ς"), ('a\\"b', "a\\'b"), ("\\]", "\\["), ("varchar", "json"), ("\\{", "\\$")]
)
def test_attributes_with_names_that_are_alike_are_two(rig: Rig, one: str, other: str) -> None:
    selector = f"[{one}=x][{other}=y]"
    first, second = (test.name for test in parse_selector(selector).paths[0].parts[0].attributes)
    assert held(rig, [{"tag": "a", "attributes": {first: "x", second: "y"}}], selector)
    assert not held(rig, [{"tag": "a", "attributes": {first: "y", second: "x"}}], selector)
    assert not held(rig, [{"tag": "a", "attributes": {first: "x"}}], selector)


def test_attributes_are_compared_as_they_were_sent(rig: Rig) -> None:
    assert held(rig, [{"tag": "a", "attributes": {"HREF": "y", "href": "x"}}], "[href=x]")
    assert not held(rig, [{"tag": "a", "attributes": {"HREF": "x"}}], "[HREF=x]")
