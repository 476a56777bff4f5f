"""What is sent twice is stored once: whole bodies that are sent again, and events with an id."""

import gzip
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from http_rig import NOON, Api, body_of, event


def body(*events: Any, token: str = "sv_pub_dev") -> bytes:
    return json.dumps(body_of(list(events), token)).encode()


def test_an_identical_body_is_answered_alike_and_stored_once(api: Api) -> None:
    sent = body(event("a"), event("b"))
    answers = [api.post_raw(sent) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert answers[0].json()["accepted"] == 2
    assert len(api.listed()) == 2


def test_an_identical_gzipped_body_is_a_retry_too(api: Api) -> None:
    sent = gzip.compress(body(event("a")), mtime=7)
    answers = [api.post_raw(sent, {"Content-Encoding": "gzip"}) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len(api.listed()) == 1


def test_a_retry_is_known_whatever_its_headers(api: Api) -> None:
    sent = body(event("a"))
    kinds = ["application/json", "text/plain", "application/json; charset=utf-8"]
    assert [api.post_raw(sent, {"Content-Type": kind, "User-Agent": kind}).status_code for kind in kinds] == [202] * 3
    assert len(api.listed()) == 1


@pytest.mark.parametrize("absent", [..., None])
def test_a_body_with_an_event_without_a_time_is_never_a_retry(api: Api, absent: Any) -> None:
    sent = body(event("dated"), event("undated", timestamp=absent))
    assert [api.post_raw(sent).status_code for _ in range(3)] == [202] * 3
    assert len(api.listed()) == 6


def test_a_body_that_differs_by_a_byte_is_no_retry(api: Api) -> None:
    sent = body(event("a"))
    assert [api.post_raw(each).status_code for each in (sent, sent + b" ", sent.replace(b'"a"', b'"b"'))] == [202] * 3
    assert len(api.listed()) == 3


def test_the_answer_to_a_retry_names_the_same_rejected_events(api: Api) -> None:
    sent = body(event("a"), 5, event("b"), event(timestamp="x"))
    first, again = api.post_raw(sent), api.post_raw(sent)
    assert [error["index"] for error in first.json()["errors"]] == [1, 3]
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert len(api.listed()) == 2


def test_a_body_that_was_refused_is_refused_again(api: Api) -> None:
    for sent, status in ((body(5, event("")), 422), (b"{", 400), (body(event(), token="sv_pub_x"), 401)):
        first, again = api.post_raw(sent), api.post_raw(sent)
        assert (first.status_code, first.text) == (status, again.text)
        assert again.status_code == status
    assert api.listed() == []


def test_a_body_that_is_sent_many_times_at_once_is_stored_once(api: Api) -> None:
    with ThreadPoolExecutor(10) as threads:
        for number in range(10):
            sent = body(event(f"first {number}"), event(f"second {number}"))
            answers = list(threads.map(api.post_raw, [sent] * 10))
            assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    names = sorted(found["event"] for found in api.listed())
    assert names == sorted(f"{place} {number}" for place in ("first", "second") for number in range(10))


def test_after_a_reset_the_same_body_is_stored_again(api: Api) -> None:
    sent = body(event("a", eventId=str(uuid4())))
    api.post_raw(sent)
    api.reset()
    assert api.listed() == []
    assert api.post_raw(sent).status_code == 202
    assert len(api.listed()) == 1


def test_an_event_id_is_stored_once_and_counted_each_time(api: Api) -> None:
    one, two = str(uuid4()), str(uuid4())
    api.send(event("a", eventId=one), event("b", "bob", NOON + 1, eventId=one), event("c", eventId=two))
    api.send(event("d", "cyd", NOON + 2, eventId=two), event("e", eventId=str(uuid4())))
    assert sorted(found["event"] for found in api.listed()) == ["a", "c", "e"]


def test_an_event_id_is_the_same_in_any_spelling(api: Api) -> None:
    one = str(uuid4())
    api.send(event("a", eventId=one))
    api.send(event("b", eventId=one.upper()))
    assert [found["event"] for found in api.listed()] == ["a"]


def test_an_event_id_is_known_again_by_undated_events(api: Api) -> None:
    one = str(uuid4())
    for _ in range(3):
        api.send(event("a", timestamp=..., eventId=one))
    assert len(api.listed()) == 1


def test_a_repeated_event_counts_once_in_insights(api: Api) -> None:
    one = str(uuid4())
    for number in range(5):
        api.send(event("a", "ann", NOON + number, eventId=one))
    found = api.trends(events=[{"name": "a"}], date_from="2025-06-15", date_to="2025-06-15")
    assert found["series"][0]["total"] == 1


def test_ids_that_are_sent_from_everywhere_at_once_are_stored_once(api: Api) -> None:
    ids = [str(uuid4()) for _ in range(60)]

    def send(seed: int) -> None:
        shuffled = random.Random(seed).sample(ids, len(ids))
        for start in range(0, len(shuffled), 12):
            api.send(*[event("a", one, eventId=one) for one in shuffled[start : start + 12]])

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(send, range(6)))
    assert sorted(found["anonymous_id"] for found in api.listed()) == sorted(ids)
