"""What is kept of rejections: nothing that was sent, and never more than the limits say."""

import msgspec
import pytest

from sv.ingest.decode import decode
from sv.ingest.events import DropReason, Rejection
from sv.ingest.rejected import MAX_REJECTED_PROJECTS, MAX_REJECTED_SAMPLES, RecentRejections
from sv.model.limits import MAX_PROPERTIES_BYTES

NOW = 1_700_000_000_000
SECRET = "ann@example.com"
BAD = {
    DropReason.WRONG_TYPE: [
        (f'"{SECRET} (event)"', None, "string"),
        ("null", None, None),
        ("[1]", None, "array"),
        (f'{{"event":"e","userId":"u","groups":"{SECRET}"}}', "groups", "string"),
        (f'{{"event":"e","userId":"u","properties":["{SECRET}"]}}', "properties", "array"),
        ('{"event":"e","userId":"u","properties":true}', "properties", "boolean"),
    ],
    DropReason.INVALID_EVENT_NAME: [
        (f'{{"event":{{"{SECRET}":1}},"userId":"u"}}', "event", "object"),
        ('{"userId":"u"}', "event", None),
    ],
    DropReason.INVALID_ID: [
        (f'{{"event":"e","userId":"{SECRET * 20}"}}', "userId", "string"),
        ('{"event":"e","anonymousId":12}', "anonymousId", "number"),
        (f'{{"event":"e","userId":"u","sessionId":"{SECRET * 20}, got 1 (userId)"}}', "sessionId", "string"),
    ],
    DropReason.MISSING_IDENTITY: [(f'{{"event":"{SECRET}"}}', None, None)],
    DropReason.INVALID_TIMESTAMP: [
        (f'{{"event":"e","userId":"u","timestamp":"{SECRET} (event)"}}', "timestamp", "string"),
        ('{"event":"e","userId":"u","timestamp":-5}', "timestamp", "number"),
    ],
    DropReason.TIMESTAMP_IN_FUTURE: [('{"event":"e","userId":"u","timestamp":99999999999999}', "timestamp", "number")],
    DropReason.INVALID_EVENT_ID: [(f'{{"event":"e","userId":"u","eventId":"{SECRET}"}}', "eventId", "string")],
    DropReason.PROPERTIES_TOO_LARGE: [
        (f'{{"event":"e","userId":"u","properties":{{"{SECRET}":"{"x" * MAX_PROPERTIES_BYTES}"}}}}', "properties", "object")
    ],
    DropReason.NESTED_TOO_DEEP: [
        (f'{{"event":"e","userId":"u","properties":{{"{SECRET}":{"[" * 40}{"]" * 40}}}}}', "properties", "object")
    ],
}


def test_each_reason_has_a_case_here() -> None:
    assert set(BAD) == set(DropReason)


@pytest.mark.parametrize(("code", "event", "field", "kind"), [(code, *case) for code, cases in BAD.items() for case in cases])
def test_a_sample_names_the_field_and_the_kind_of_its_value_and_never_the_value(
    code: DropReason, event: str, field: str | None, kind: str | None
) -> None:
    decoded = decode(f'{{"projectToken":"t","events":[{event}]}}'.encode(), NOW)
    assert [rejection.code for rejection in decoded.rejections] == [code]
    kept = RecentRejections(lambda: NOW)
    kept.note("p", decoded.rejections, 1, NOW)
    report = kept.report("p")
    assert SECRET not in msgspec.json.encode(report).decode()
    (reason,) = report.reasons
    (sample,) = reason.samples
    assert (sample.field, sample.got) == (field, kind)
    assert (sample.at_ms, sample.index, sample.events) == (NOW, 0, 1)
    assert sample.expected and "got" not in sample.expected


def rejection(index: int, code: DropReason = DropReason.MISSING_IDENTITY) -> Rejection:
    return Rejection(index, code, "expected a userId or an anonymousId, got neither")


def test_the_newest_samples_of_each_code_are_kept_and_all_are_counted() -> None:
    kept = RecentRejections(lambda: NOW)
    kept.note("p", [rejection(index) for index in range(2000)], 2000, NOW + 1)
    kept.note("p", [rejection(0, DropReason.WRONG_TYPE)], 1, NOW + 2)
    kept.note("p", [rejection(7)], 9, NOW + 3)
    report = kept.report("p")
    assert report.since_ms == NOW
    assert report.rejected == 2002
    assert [(reason.code, reason.count, reason.last_ms) for reason in report.reasons] == [
        (DropReason.MISSING_IDENTITY, 2001, NOW + 3),
        (DropReason.WRONG_TYPE, 1, NOW + 2),
    ]
    shown = report.reasons[0].samples
    assert len(shown) == MAX_REJECTED_SAMPLES
    assert (shown[0].at_ms, shown[0].index, shown[0].events) == (NOW + 3, 7, 9)
    assert {sample.at_ms for sample in shown[1:]} == {NOW + 1}


def test_beyond_the_limit_the_project_that_was_quiet_longest_is_forgotten_and_counts_anew() -> None:
    kept = RecentRejections(lambda: NOW)
    for number in range(MAX_REJECTED_PROJECTS):
        kept.note(f"p{number}", [rejection(0)], 1, NOW + 1)
    kept.note("p0", [rejection(0)], 1, NOW + 2)
    kept.note("another", [rejection(0)], 1, NOW + 3)
    assert kept.report("p0").rejected == 2
    assert kept.report("p0").since_ms == NOW
    assert (kept.report("p1").rejected, kept.report("p1").since_ms) == (0, NOW + 3)
    kept.note("p1", [rejection(0)], 1, NOW + 4)
    assert (kept.report("p1").rejected, kept.report("p1").since_ms) == (1, NOW + 3)
    assert kept.report("p2").rejected == 0


def test_nothing_is_known_after_forgetting() -> None:
    kept = RecentRejections(lambda: NOW)
    kept.note("p", [rejection(0)], 1, NOW)
    kept.forget_all(NOW + 5)
    assert (kept.report("p").rejected, kept.report("p").since_ms, kept.report("p").reasons) == (0, NOW + 5, ())
