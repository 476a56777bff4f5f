"""Numbers of persons: one for ever for each exact text, given in bulk and without holding up other threads."""

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.meta.db import Meta
from sv.meta.persons import Persons
from sv.model.errors import Unavailable

UUID = "0b1e6a9c-6f0a-4b62-9b5e-0a1b2c3d4e5f"
HOSTILE = [
    "",
    " ",
    "'",
    '"',
    "\\",
    "'; drop table person_numbers; --",
    '{"a": [1]}',
    "[1,2]",
    "null",
    "true",
    "1",
    "1.0",
    "01",
    "-1e5",
    "ann",
    "Ann",
    "ann ",
    "é",
    "e\u0301",
    "\ufffd",
    "🦊👩\u200d💻",
    "\u202eabc",
    "a\nb\tc\x01",
    "%",
    "a_b",
    "x" * 200,
    "😀" * 200,
    "$.a",
    "?1",
    ":id",
    UUID,
    UUID.upper(),
    UUID.replace("-", ""),
    UUID[:-1] + "F",
    "{" + UUID + "}",
    UUID.replace("-", "_"),
    UUID[:-1] + "g",
    "0b1e6a9c6-f0a-4b62-9b5e-0a1b2c3d4e5f",
    "0b1e6a9c-6f0a-4b62-9b5e-0a1b2c3d4e--",
    "0b1e6a9c-6f0a-4b62-9b5e-0a1b2c3d--4e",
    "0b1e-6a9c6f0a-4b62-9b5e-0a1b2c3d4e5f",
    "--------------------------------ab--",
    "é1e6a9c-6f0a-4b62-9b5e-0a1b2c3d4e5f",
    UUID + "\0",
    UUID[:-1] + "\0",
    "a\0b",
    "a\0c",
    "a",
    bytes.fromhex(UUID.replace("-", "")).decode("latin-1"),
]


@pytest.fixture
def persons(meta: Meta) -> Persons:
    return Persons(meta)


def number(persons: Persons, ids: list[str], project: str = "dev") -> list[int]:
    return json.loads(persons.number_persons(project, json.dumps(ids)))


def test_an_empty_array_has_no_numbers(persons: Persons) -> None:
    assert persons.number_persons("dev", "[]") == "[]"


def test_numbers_count_up_from_1_and_stay(persons: Persons) -> None:
    assert number(persons, ["ann", "bob", "cyd"]) == [1, 2, 3]
    assert number(persons, ["cyd", "dan", "ann"]) == [3, 4, 1]


def test_numbers_are_in_the_order_of_the_array_whatever_the_ids(persons: Persons) -> None:
    visitor = str(uuid.UUID(int=1))
    assert number(persons, ["zoe", visitor, "ann", "zoe", "Ömer"]) == [1, 2, 3, 1, 4]


def test_a_repeated_id_has_one_number(persons: Persons) -> None:
    assert number(persons, ["ann", "ann"]) == [1, 1]
    assert number(persons, ["bob", "ann", "bob", "bob"]) == [2, 1, 2, 2]


def test_a_projects_numbers_tell_nothing_of_how_many_persons_others_have(persons: Persons) -> None:
    assert number(persons, ["ann", "bob", "cyd"], "a") == [1, 2, 3]
    assert number(persons, ["ann"], "b") == [1]
    assert number(persons, ["dan", "ann"], "a") == [4, 1]
    assert number(persons, ["dan", "ann"], "b") == [2, 1]
    assert [persons.last_number(project) for project in ("a", "b", "c")] == [4, 2, 0]
    assert persons.max_number() == 4


def test_every_hostile_text_is_a_person_of_its_own(persons: Persons) -> None:
    first = number(persons, HOSTILE)
    assert sorted(first) == list(range(1, len(HOSTILE) + 1))
    assert number(persons, HOSTILE[::-1]) == first[::-1]
    assert [number(persons, [each])[0] for each in HOSTILE] == first


def test_escapes_and_the_characters_they_stand_for_are_one_text(persons: Persons) -> None:
    assert persons.number_persons("dev", '["\\u00e9\\ud83e\\udd8a\\/"]') == "[1]"
    assert persons.number_persons("dev", '["é🦊/"]') == "[1]"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Persons]:
    """For Hypothesis, which makes many examples: one file, a project for each."""
    with Meta.open(tmp_path_factory.mktemp("shared") / "sv.db") as meta:
        yield Persons(meta)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(st.text(max_size=40) | st.uuids().map(str), max_size=12), max_size=4))
def test_random_texts_are_numbered_as_a_dictionary_would(shared: Persons, batches: list[list[str]]) -> None:
    known: dict[str, int] = {}
    project = uuid.uuid4().hex
    for batch in batches:
        texts = [text.translate(dict.fromkeys(range(0xD800, 0xE000), "\ufffd")) for text in batch]
        for text, found in zip(texts, number(shared, texts, project), strict=True):
            assert known.setdefault(text, found) == found
    assert len(set(known.values())) == len(known)


@pytest.mark.parametrize(
    "wrong",
    ["", "ann", '"ann"', "1", "null", "{}", '{"a": "b"}', "[1]", "[null]", '["ann", 2]', "[[]]", "[{}]", '["ann"',
     '["ann"],', "[\ud800]"],
)  # fmt: skip
def test_anything_but_an_array_of_strings_is_refused_and_numbers_nobody(persons: Persons, wrong: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        persons.number_persons("dev", wrong)
    assert number(persons, ["first"]) == [1]


def test_threads_that_meet_the_same_new_ids_agree_on_their_numbers(persons: Persons) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(400)]

    def work(seed: int) -> dict[str, int]:
        found: dict[str, int] = {}
        chance = random.Random(seed)
        for _ in range(10):
            some = chance.sample(ids, 100)
            found |= zip(some, number(persons, some), strict=True)
        return found

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(work, range(6)))
    agreed = dict(zip(ids, number(persons, ids), strict=True))
    assert sorted(agreed.values()) == list(range(1, 401))
    assert all(agreed[key] == value for answer in answers for key, value in answer.items())


def test_numbers_are_there_after_reopening(path: Path) -> None:
    with Meta.open(path) as meta:
        before = number(Persons(meta), HOSTILE)
    with Meta.open(path) as meta:
        assert number(Persons(meta), HOSTILE) == before
        assert number(Persons(meta), ["new"]) == [len(HOSTILE) + 1]


def test_numbers_are_not_given_while_the_metadata_is_closed(path: Path) -> None:
    meta = Meta.open(path)
    meta.close()
    with pytest.raises(Unavailable):
        Persons(meta).number_persons("dev", '["ann"]')


def longest_pause(persons: Persons, project: str) -> float:
    """For how much of the time that numbering many ids takes another thread got no turn, at the longest; 0 to 1."""
    ids = json.dumps([f"person {n}" for n in range(40_000)])
    ticks: list[float] = []
    is_done = threading.Event()

    def tick() -> None:
        while not is_done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    with ThreadPoolExecutor(1) as pool:
        ticking = pool.submit(tick)
        start = time.perf_counter()
        persons.number_persons(project, ids)
        end = time.perf_counter()
        is_done.set()
        ticking.result(10)
    inside = [start, *(at for at in ticks if start < at < end), end]
    return max(after - before for before, after in pairwise(inside)) / (end - start)


def test_other_threads_run_while_ids_are_numbered(persons: Persons) -> None:
    # A statement that held the interpreter would stop them for a third of the time or more, each time; a busy machine
    # does so now and then.
    assert min(longest_pause(persons, f"p{n}") for n in range(4)) < 0.2
