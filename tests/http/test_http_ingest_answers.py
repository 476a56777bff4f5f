"""What the ingest route answers: to whole batches, to batches with bad events in them, and to every way of sending them."""

import gzip
import json
from typing import Any

import pytest
from bad_ingest_cases import nested
from bad_input import error_of
from http_rig import INGEST, NOON, Api, body_of, event

ACCEPTED = {"status": "accepted", "accepted": 1, "rejected": 0, "errors": []}
ORIGIN = {"Origin": "https://shop.example"}


def names(api: Api) -> list[str]:
    return sorted(found["event"] for found in api.listed())


def test_a_good_batch_is_answered_202_with_four_fields(api: Api) -> None:
    answer = api.post_events([event("a"), event("b")])
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"status": "accepted", "accepted": 2, "rejected": 0, "errors": []}
    assert names(api) == ["a", "b"]


BAD_EVENTS: list[Any] = [5, None, "x", [], {}, event(""), event(timestamp="x"), event(userId=5), event(eventId="x")]
BAD_EVENTS += [
    event(properties=[]),
    event(groups="g"),
    event(anonymousId=...),
    event(properties=nested(33)),
    event(timestamp=True),
]


@pytest.mark.parametrize("bad", BAD_EVENTS, ids=lambda bad: json.dumps(bad)[:50])
def test_a_bad_event_costs_only_itself(api: Api, bad: Any) -> None:
    answer = api.post_events([event("first"), bad, event("last")])
    assert answer.status_code == 202
    body = answer.json()
    assert body.keys() == {"status", "accepted", "rejected", "errors"}
    assert (body["status"], body["accepted"], body["rejected"]) == ("accepted", 2, 1)
    (error,) = body["errors"]
    assert error.keys() == {"index", "code", "message"}
    assert error["index"] == 1
    assert error["code"]
    assert error["message"]
    assert names(api) == ["first", "last"]


def test_every_bad_event_is_named_by_its_place(api: Api) -> None:
    events: list[Any] = []
    for number, bad in enumerate(BAD_EVENTS):
        events += [event(f"good {number}"), bad]
    body = api.post_events(events).json()
    assert [error["index"] for error in body["errors"]] == list(range(1, len(events), 2))
    assert body["accepted"] == len(api.listed()) == len(BAD_EVENTS)


def test_an_error_of_an_event_names_its_field_and_value(api: Api) -> None:
    events = [
        event(),
        event("x" * 201),
        event(userId=7),
        event(eventId="no uuid"),
        event(timestamp="soon"),
        event(groups=["g", 8]),
    ]
    errors = api.post_events(events).json()["errors"]
    told = {1: ("event", "xxx"), 2: ("userId", "7"), 3: ("eventId", "no uuid"), 4: ("timestamp", "soon"), 5: ("groups", "list")}
    for error in errors:
        assert all(part in error["message"] for part in told[error["index"]])
    assert len(errors) == len(told)


def test_properties_that_are_too_large_or_too_deep_cost_only_their_event(api: Api) -> None:
    shallow = [event(f"good {number}", properties=...) for number in range(12)]
    deep = event("deep", properties=nested(33))
    large = event("large", properties={"p": "x" * 65_530})
    body = api.post_events([*shallow, deep, large, *shallow[:1]]).json()
    assert [error["index"] for error in body["errors"]] == [12, 13]
    assert "deep" not in names(api)
    assert "large" not in names(api)
    body = api.post_events([*shallow, deep]).json()
    assert [error["index"] for error in body["errors"]] == [12]


def test_an_event_so_deep_that_no_reader_would_take_it_costs_only_itself(api: Api) -> None:
    text = json.dumps(body_of([event("first"), event("deep", properties="DEEP"), event("last")]))
    answer = api.post_raw(text.replace('"DEEP"', '{"a":[' * 20_000 + "]}" * 20_000).encode())
    assert answer.status_code == 202
    assert [error["index"] for error in answer.json()["errors"]] == [1]
    assert names(api) == ["first", "last"]


def test_if_every_event_is_rejected_the_answer_is_422_with_the_four_fields_beside_error_and_code(api: Api) -> None:
    answer = api.post_events([5, event(""), event(timestamp=-1)])
    body = error_of(answer, 422)
    assert body["accepted"] == 0
    assert body["rejected"] == 3
    assert [error["index"] for error in body["errors"]] == [0, 1, 2]
    assert isinstance(body["status"], str)
    assert api.listed() == []


def test_two_thousand_events_are_a_batch(api: Api) -> None:
    answer = api.post_events([event(f"e{number}", at=...) | {"timestamp": NOON + number} for number in range(2000)])
    assert answer.json() == {"status": "accepted", "accepted": 2000, "rejected": 0, "errors": []}
    assert [found["event"] for found in api.listed()] == [f"e{number}" for number in reversed(range(2000))]


def test_a_body_of_exactly_ten_mebibytes_is_taken_and_a_byte_more_is_not(api: Api) -> None:
    body = json.dumps(body_of([event()])).encode()
    exact = body + b" " * (10 * 1024 * 1024 - len(body))
    assert api.post_gzip(exact).status_code == 202
    assert api.post_raw(exact).status_code == 202
    assert api.post_gzip(exact + b" ").status_code == 413
    assert api.post_raw(exact + b" ").status_code == 413


def test_a_body_without_a_declared_length_is_read_to_its_end_and_no_further_than_the_bound(api: Api) -> None:
    body = json.dumps(body_of([event()])).encode()
    answer = api.http.post(INGEST, content=iter([body[:7], body[7:]]), headers={"Content-Type": "application/json"})
    assert answer.json() == ACCEPTED
    endless = (b" " * 65_536 for _ in range(200))
    answer = api.http.post(INGEST, content=endless, headers={"Content-Type": "application/json"})
    assert "body" in error_of(answer, 413)["error"]
    assert api.post_events([event("after")]).status_code == 202


KINDS = ["application/json", "application/json; charset=utf-8", "Application/JSON", "text/plain", "text/plain;charset=UTF-8"]


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_taken_under_its_name_and_as_plain_text(api: Api, kind: str) -> None:
    answer = api.post_raw(json.dumps(body_of([event(kind)])).encode(), {"Content-Type": kind})
    assert (answer.status_code, answer.json()) == (202, ACCEPTED)
    assert names(api) == [kind]


def test_a_beacon_is_taken(api: Api) -> None:
    headers = {"Content-Type": "text/plain;charset=UTF-8", **ORIGIN, "Sec-Fetch-Mode": "no-cors", "Cookie": "theirs=1"}
    answer = api.post_raw(json.dumps(body_of([event("bye")])).encode(), headers)
    assert answer.status_code == 202
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_body_without_a_content_type_is_taken_for_json(api: Api) -> None:
    request = api.http.build_request("POST", INGEST, content=json.dumps(body_of([event()])).encode())
    assert "content-type" not in request.headers
    assert api.http.send(request).json() == ACCEPTED


def test_gzip_is_inflated_be_it_one_member_or_several(api: Api) -> None:
    one, two = json.dumps(body_of([event("one")])).encode(), json.dumps(body_of([event("two")])).encode()
    assert api.post_gzip(one).json() == ACCEPTED
    halves = gzip.compress(two[:20]) + gzip.compress(b"") + gzip.compress(two[20:])
    assert api.post_raw(halves, {"Content-Encoding": "GZip"}).json() == ACCEPTED
    three = json.dumps(body_of([event("three")])).encode()
    answer = api.post_raw(gzip.compress(three), {"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    assert answer.json() == ACCEPTED
    assert names(api) == ["one", "three", "two"]


def test_a_byte_order_mark_is_passed_over(api: Api) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(body_of([event("plain")])).encode()
    assert api.post_raw(body).json() == ACCEPTED
    assert api.post_gzip(b"\xef\xbb\xbf" + json.dumps(body_of([event("Ω")]), ensure_ascii=False).encode()).json() == ACCEPTED
    assert names(api) == ["plain", "Ω"]


def test_white_space_and_unknown_fields_are_ignored(api: Api) -> None:
    body = body_of([event("view", "ann", NOON, more=[1], library={"name": "x"})], sentAt=5, context={"deep": nested(30)})
    assert api.post_raw(b"\n\t " + json.dumps(body, indent=3).encode() + b"\r\n ").json() == ACCEPTED
    (found,) = api.listed()
    assert "more" not in json.dumps(found)


@pytest.mark.parametrize("header", ["X-Requested-With", "Content-Type", "Content-Encoding"])
def test_a_page_of_any_origin_may_post(api: Api, header: str) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}
    answer = api.http.options(INGEST, headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.content == b""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    if header != "X-Requested-With":
        assert header.lower() in answer.headers["access-control-allow-headers"].lower()
    assert int(answer.headers["access-control-max-age"]) >= 600
    assert "access-control-allow-credentials" not in answer.headers


def test_errors_can_be_read_from_any_origin_too(api: Api) -> None:
    good = json.dumps(body_of([event()])).encode()
    answers = [
        api.http.post(INGEST, json=body_of([event()]), headers=ORIGIN),
        api.post_raw(b"{", ORIGIN),
        api.post_raw(good, {**ORIGIN, "Content-Type": "text/html"}),
        api.post_raw(good, {**ORIGIN, "Content-Encoding": "br"}),
        api.post_raw(b"[]", ORIGIN),
        api.http.post(INGEST, json=body_of([event()], "sv_pub_x"), headers=ORIGIN),
        api.http.post(INGEST, json=body_of([event()] * 2001), headers=ORIGIN),
        api.http.get(INGEST, headers=ORIGIN),
    ]
    assert [answer.status_code for answer in answers] == [202, 400, 415, 415, 422, 401, 413, 405]
    assert {answer.headers.get("access-control-allow-origin") for answer in answers} == {"*"}


def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    assert "POST" in api.http.get(INGEST).headers["allow"]
    assert api.http.head(INGEST).status_code == 405


def test_a_slash_at_the_end_of_the_path_is_no_other_path(api: Api) -> None:
    assert api.http.post(f"{INGEST}/", json=body_of([event()])).json() == ACCEPTED
    answer = api.http.post(INGEST.replace("/ingest", "//ingest"), json=body_of([event()]))
    assert answer.status_code in (202, 404)


def test_query_api_credentials_are_neither_needed_nor_minded(api: Api) -> None:
    answer = api.http.post(INGEST, json=body_of([event()]), headers={"Authorization": "Bearer nonsense"})
    assert answer.json() == ACCEPTED
