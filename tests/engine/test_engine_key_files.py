"""Key files: they say what their part says, are believed only where they are whole, and answer without the part being read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from sv.engine.duck.keys import key_files, key_matching, key_writing
from sv.engine.duck.keys.key_conditions import Alternative, Condition, alternatives_of
from sv.engine.duck.keys.key_files import (
    CODED_COLUMNS,
    KEY_BITS,
    Column,
    Footer,
    KeyFile,
    Persons,
    Reading,
    open_key_file,
)
from sv.engine.duck.keys.key_writing import Unfit, write_key_file
from sv.engine.port import Matcher, PageKeys, Scope
from sv.insights import events
from sv.insights.funnels import funnel
from sv.model.filters import Filter, Operator
from sv.model.limits import HOUR_MS, MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.queries import EventsQuery
from sv.model.query_parsing import parse_funnel_query
from sv.model.smart_events import Rule, UrlMatch
from tests.engine.rig import ALL, CHROME, LIMITS, NOON, Rig, event, opened

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PERSONS = tuple(f"person {number}" for number in range(40))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Part]]:
    """One part: views and purchases of forty persons, some by a bot, at addresses of few kinds and of many."""
    with opened(tmp_path_factory.mktemp("keys")) as rig:
        made = [
            event(
                ("view", "buy", "view")[number % 3],
                person,
                NOON + number * HOUR_MS // 40 + place,
                **{
                    "$current_url": f"https://x.org/{(place * 7 + number) % 300}",
                    "$country": ("DE", "FR")[place % 2],
                    "n": number,
                },
            )
            for place, person in enumerate(PERSONS)
            for number in range(12)
        ]
        generation = rig.buffer(rig.batch(made[:400], user_agent=CHROME), rig.batch(made[400:], user_agent=BOT))
        (part,) = rig.flush(generation)
        rig.index([part])
        yield rig, part


def file_of(rig: Rig, part: Part) -> KeyFile:
    found = open_key_file(rig.folder / part.keys_path, part, is_checked=False)
    assert found is not None
    return found


def test_a_key_file_has_the_parts_keys_and_codes_row_by_row(filled: tuple[Rig, Part]) -> None:
    rig, part = filled
    file = file_of(rig, part)
    with rig.database.cursor() as cursor:
        rows = cursor.execute(
            f"""
            select event, person, epoch_ms(timestamp), is_bot is true, {", ".join(CODED_COLUMNS[1:])}
            from read_parquet('{rig.folder / part.path}')
            order by file_row_number
            """
        ).fetchall()
    with Reading(file) as reading:
        keys = reading.keys(0, part.rows)
        assert (keys >> np.uint64(KEY_BITS)).tolist() == [row[1] for row in rows]
        assert ((keys & np.uint64((1 << KEY_BITS) - 1)) + np.uint64(file.origin_ms)).tolist() == [row[2] for row in rows]
        for place, name in enumerate(CODED_COLUMNS):
            expected = [row[3 + place] for row in rows]
            if name == "url_path":
                assert len(set(expected)) > key_writing.MAX_CODES
                assert name not in file.columns
                continue
            column = file.columns[name]
            codes = [0] * part.rows if column.at is None else reading.codes(column.at, 0, part.rows).tolist()
            assert [column.values[code] for code in codes] == expected, name
        present = {row[1] for row in rows}
        assert [person for person in range(200) if reading.has_any([person])] == sorted(present)
    for name in ("view", "buy"):
        low, high = file.range_of(name)
        assert [row[0] for row in rows[low:high]] == [name] * sum(row[0] == name for row in rows)
    assert file.range_of("never") == (0, 0)


def test_persons_are_found_in_every_block_of_their_list(
    filled: tuple[Rig, Part], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rig, part = filled
    monkeypatch.setattr(key_files, "PERSONS_A_BLOCK", 3)
    monkeypatch.setattr(key_writing, "PERSONS_A_BLOCK", 3)
    with rig.database.cursor() as cursor:
        write_key_file(cursor, rig.folder / part.path, part, tmp_path / "small")
    file = open_key_file(tmp_path / "small", part, is_checked=False)
    assert file is not None
    with Reading(file) as reading:
        assert [person for person in range(200) if reading.has_any([0, person])] == list(range(1, len(PERSONS) + 1))


def small_file(filled: tuple[Rig, Part]) -> tuple[bytes, Part]:
    rig, part = filled
    return (rig.folder / part.keys_path).read_bytes(), part


def test_a_key_file_with_any_byte_changed_is_not_believed(filled: tuple[Rig, Part], tmp_path: Path) -> None:
    content, part = small_file(filled)
    damaged = tmp_path / "damaged"
    for place in range(len(content)):
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        assert open_key_file(damaged, part, is_checked=False) is None, place


def test_a_key_file_that_was_cut_off_anywhere_is_not_believed(filled: tuple[Rig, Part], tmp_path: Path) -> None:
    content, part = small_file(filled)
    damaged = tmp_path / "damaged"
    for length in range(len(content)):
        damaged.write_bytes(content[:length])
        assert open_key_file(damaged, part, is_checked=False) is None, length


def test_who_opened_a_file_before_it_was_made_anew_reads_the_part_and_the_new_one_stays(
    copy: Rig,
) -> None:
    """As a query that began before that does."""
    part, before = copy.tables.key_files.of(copy.parts)[0]
    copy.index(copy.parts)
    with pytest.raises(OSError, match="another file by now"):
        Reading(before)
    ((_, after),) = copy.tables.key_files.of([part])
    assert after is not before
    copy.tables.key_files.give_up(part, before, OSError())
    assert copy.tables.key_files.of([part]) == [(part, after)]
    copy.tables.key_files.give_up(part, after, OSError())
    assert copy.tables.key_files.of([part]) == []


def test_another_parts_key_file_is_not_believed(filled: tuple[Rig, Part]) -> None:
    rig, part = filled
    path = rig.folder / part.keys_path
    assert open_key_file(path, replace(part, rows=part.rows - 1), is_checked=False) is None
    assert open_key_file(path, replace(part, min_ts_ms=part.min_ts_ms - 1), is_checked=False) is None
    assert open_key_file(path.with_name("none"), part, is_checked=False) is None


@pytest.mark.parametrize(("limit", "value"), [("MAX_NAMES", 1), ("MAX_PERSON", 39), ("MAX_SPAN_MS", 1000), ("MAX_ROWS", 479)])
def test_a_part_beyond_a_limit_gets_none(
    filled: tuple[Rig, Part], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, value: int
) -> None:
    rig, part = filled
    monkeypatch.setattr(key_writing, limit, value)
    with rig.database.cursor() as cursor, pytest.raises(Unfit):
        write_key_file(cursor, rig.folder / part.path, part, tmp_path / "none")


FILTERS = [
    (Filter("$country", Operator.EXACT, "DE"), "country"),
    (Filter("$country", Operator.EXACT, ("DE", "FR")), "country"),
    (Filter("$country", Operator.IS_NOT, "DE"), "country"),
    (Filter("$browser", Operator.ICONTAINS, "chr"), "browser"),
    (Filter("$browser", Operator.NOT_REGEX, "^C"), "browser"),
    (Filter("$current_url", Operator.EXACT, "/a"), "url_path"),
    (Filter("$current_url", Operator.EXACT, "https://x.org/a"), None),
    (Filter("$current_url", Operator.EXACT, ("/a", "https://x.org/a")), None),
    (Filter("$country", Operator.IS_SET, None), None),
    (Filter("$country", Operator.EXACT, 7), None),
    (Filter("$browser_version", Operator.EXACT, 120), None),
    (Filter("$is_bot", Operator.EXACT, True), None),
]


PROPERTIES = [
    Filter("plan", Operator.EXACT, "pro"),
    Filter("plan", Operator.IS_SET),
    Filter("country", Operator.NOT_ICONTAINS, "DE"),
    Filter("n", Operator.GT, 5),
    Filter("n", Operator.LTE, 5.5),
]


@pytest.mark.parametrize("item", PROPERTIES)
def test_codes_answer_filters_over_a_property_without_a_column(item: Filter) -> None:
    expected = [Alternative("view", (Condition("is_bot", None), Condition(None, item)))]
    assert alternatives_of(Scope(0, 1), Matcher("view", (item,))) == expected


@pytest.mark.parametrize(("item", "column"), FILTERS)
def test_codes_answer_filters_over_one_coded_column_alone(item: Filter, column: str | None) -> None:
    bots = Condition("is_bot", None)
    expected = None if column is None else [Alternative("view", (bots, Condition(column, item)))]
    assert alternatives_of(Scope(0, 1), Matcher("view", (item,))) == expected
    assert alternatives_of(Scope(0, 1, (item,)), Matcher("view")) == expected


def test_codes_answer_rules_that_look_at_no_elements() -> None:
    scope = Scope(0, 1, (), include_bots=True)
    plan, page = Filter("plan", Operator.EXACT, "pro"), Filter("$current_url", Operator.ICONTAINS, "/p")
    rules = (Rule(event="buy", filters=(plan,)), Rule(url="/p", url_match=UrlMatch.CONTAINS))
    buy, any_page = Alternative("buy", (Condition(None, plan),)), Alternative(None, (Condition("url_path", page),))
    assert alternatives_of(scope, Matcher(None)) == [Alternative(None, ())]
    assert alternatives_of(scope, Matcher(None, (), rules)) == [buy, any_page]
    assert alternatives_of(scope, Matcher("view", (), rules)) == [Alternative("view", any_page.needs)]
    assert alternatives_of(scope, Matcher("buy", (), rules[:1])) == [buy]
    assert alternatives_of(scope, Matcher(None, (), (*rules, Rule(event="view", text="Buy")))) is None
    assert alternatives_of(scope, Matcher(None, (), (Rule(filters=(Filter("$country", Operator.EXACT, 7),)),))) is None


BODY: dict[str, Any] = {
    "steps": [{"event": "view", "properties": {"$country": "DE"}}, {"event": "buy"}, {"event": "never"}],
    "date_from": "2025-06-01",
    "date_to": "2025-06-30",
}


def ask(rig: Rig, body: dict[str, Any] = BODY) -> Any:
    return funnel(rig.context(), parse_funnel_query(body, timezone="UTC", now_ms=NOON + HOUR_MS))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Rig]:
    """A part of three persons over some hours, and another of one of them, each with its key file."""
    with opened(tmp_path) as rig:
        for persons in (("ann", "bob", "cat"), ("cat",)):
            made = [
                event(name, person, NOON + number * HOUR_MS, session="s", **{"$country": "DE", "plan": "pro", "n": number})
                for person in persons
                for number, name in enumerate(("view", "buy", "view"))
            ]
            rig.flush(rig.buffer(rig.batch(made)))
        rig.index(rig.parts)
        yield rig


def test_a_strict_funnel_over_key_files_reads_no_part(copy: Rig) -> None:
    strict = BODY | {"modes": ["strict_order"]}
    before = ask(copy, strict)
    assert [step["count"] for step in before["steps"]] == [3, 3, 0]
    apart = strict | {"steps": [{"event": "view", "properties": {"$country": "FR"}}, {"event": "buy"}]}
    gone = strict | {"steps": [{"event": "view"}, {"event": "view", "properties": {"$country": "FR"}}, {"event": "buy"}]}
    answers = [ask(copy, body) for body in (apart, gone)]
    for part in copy.parts:
        (copy.folder / part.path).unlink()
    assert ask(copy, strict) == before
    assert [ask(copy, body) for body in (apart, gone)] == answers


@pytest.mark.parametrize("few", [1, 3, 1024])
def test_events_that_no_step_names_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(key_matching, "FEW_ROWS", few)
    names = ["view", "buy", *(f"{'a' if number % 2 else 'z'}{number % 50}" for number in range(300))]
    with opened(tmp_path) as rig:
        made = [
            event(names[number * 7919 % 302] if number % 29 % 9 == 0 else "buy" if number % 7 > 4 else "view",
                  f"p{number % 400}", NOON + number * 1000, **{"$country": "DE" if number % 5 else "FR"})
            for number in range(3000)
        ]  # fmt: skip
        rig.flush(rig.buffer(rig.batch(made[:1500]), rig.batch(made[1500:])))
        any_in_france = {"filters": [{"property": "$country", "operator": "is_not", "value": "FR"}]}
        bodies = [
            {"steps": [{"event": "view"}, {"event": "buy"}], "modes": ["strict_order", *modes], **filters}
            for modes in ([], ["allow_reentry"])
            for filters in ({}, any_in_france)
        ]
        bodies = [BODY | body for body in bodies]
        in_sql = [ask(rig, body) for body in bodies]
        rig.index(rig.parts)
        read: list[int] = []
        keys_of = Reading.keys
        monkeypatch.setattr(Reading, "keys", lambda self, low, high: read.append(high - low) or keys_of(self, low, high))  # pyright: ignore[reportUnknownLambdaType]
        assert [ask(rig, body) for body in bodies] == in_sql
        assert 0 < in_sql[0]["steps"][1]["count"] < in_sql[0]["steps"][0]["count"]
        assert len(read) < 10 * len(bodies) or few < 1024


def test_a_funnel_over_key_files_reads_no_part(copy: Rig) -> None:
    before = ask(copy)
    assert [step["count"] for step in before["steps"]] == [3, 3, 0]
    for part in copy.parts:
        (copy.folder / part.path).unlink()
    assert ask(copy) == before
    late = BODY | {"date_from": "2025-06-15T12:30:00Z"}
    assert [step["count"] for step in ask(copy, late)["steps"]] == [3, 0, 0]


@pytest.mark.parametrize(
    ("properties", "counts"),
    [({"plan": "pro"}, [3, 3, 0]), ({"plan": "free"}, [0, 0, 0]), ({"n": 2}, [3, 0, 0]), ({"other": 1}, [0, 0, 0])],
)
def test_a_funnel_filtered_by_a_property_reads_no_part(copy: Rig, properties: dict[str, Any], counts: list[int]) -> None:
    asked = BODY | {"steps": [{"event": "view", "properties": properties}, {"event": "buy"}, {"event": "never"}]}
    for part in copy.parts:
        (copy.folder / part.path).unlink()
    assert [step["count"] for step in ask(copy, asked)["steps"]] == counts


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_key_file_that_goes_away_while_it_is_used_costs_no_answer(copy: Rig, damage: str) -> None:
    before = ask(copy)
    for part in copy.parts:
        path = copy.folder / part.keys_path
        path.unlink()
        if damage == "cut off":
            path.write_bytes(b"SVKEYS01")
    assert ask(copy) == before


def page_of(rig: Rig, person: str) -> list[str]:
    keys = PageKeys(100, person=rig.persons.numbers["p", person])
    return [
        row.event for row in rig.engine.page(rig.snapshot(), replace(ALL, to_ms=MAX_TIMESTAMP_MS), Matcher(None), keys, LIMITS)
    ]


def test_a_persons_events_are_looked_for_where_the_person_has_some(copy: Rig) -> None:
    before = {person: page_of(copy, person) for person in ("ann", "cat")}
    assert (len(before["ann"]), len(before["cat"])) == (3, 6)
    (copy.folder / copy.parts[1].path).unlink()
    assert page_of(copy, "ann") == before["ann"]
    with pytest.raises(Exception, match=r"No files found|No such file|can.t|Cannot"):
        page_of(copy, "cat")


def test_a_list_of_one_person_is_one_statement_over_the_files_that_have_some(copy: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    own = page_of(copy, "ann")
    monkeypatch.setattr(events, "FIRST_STRETCH_ROWS", 1)  # else all of these few rows are one stretch anyway
    asked: list[tuple[int, int]] = []
    page = copy.engine.page

    def counted(snapshot: Any, scope: Scope, *more: Any) -> Any:
        asked.append((scope.from_ms, scope.to_ms))
        return page(snapshot, scope, *more)

    monkeypatch.setattr(copy.engine, "page", counted)
    listed = events.list_events(copy.context(), EventsQuery(person=copy.persons.numbers["p", "ann"]))["data"]
    assert [item["event"] for item in listed] == own
    assert len(asked) == 1
    (copy.folder / copy.parts[1].path).unlink()
    by_id = EventsQuery(distinct_id="ann", person=copy.persons.numbers["p", "ann"])
    assert events.list_events(copy.context(), by_id)["data"] == listed


def test_open_files_share_the_texts_of_their_values() -> None:
    """All of a folder's are open: three quarters of what each took was texts that the others have too."""
    values = (None, "/coffee", "/tea")
    footer = Footer(0, 0, (), (), {"url_path": Column(values, 8)}, Persons(8, 0, ()))
    encoded = msgspec.msgpack.encode(footer)
    one, other = (
        KeyFile(Path("x.keys"), msgspec.msgpack.decode(encoded, type=Footer), (0, 0, 0, 0)).columns["url_path"] for _ in range(2)
    )
    assert one == other == Column(values, 8)
    assert all(value is same for value, same in zip(one.values, other.values, strict=True))
