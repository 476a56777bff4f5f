"""Bad input, as a table: each field of each route, refused with the right status and code, naming the field and the value.

Which statuses and which shape a refusal has is checked in `bad_input`; the cases are in the modules `bad_*_cases`.
"""

import bad_client_cases
import bad_funnel_persons_cases
import bad_ingest_cases
import bad_insight_cases
import bad_overview_cases
import bad_person_cases
import bad_request_cases
import bad_session_cases
import pytest
from bad_input import Bad, check_refusal
from http_rig import INGEST, Api

CASES = [
    *bad_ingest_cases.cases(),
    *bad_insight_cases.cases(),
    *bad_overview_cases.cases(),
    *bad_request_cases.cases(),
    *bad_person_cases.cases(),
    *bad_funnel_persons_cases.cases(),
    *bad_session_cases.cases(),
    *bad_client_cases.cases(),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input_is_refused_with_status_code_and_the_field_named(full: Api, case: Bad) -> None:
    sent = {name: value() if callable(value) else value for name, value in case.sent.items()}
    check_refusal(full.http.request(case.method, case.path, **sent), case)


def test_what_is_refused_is_not_stored(api: Api) -> None:
    for case in CASES:
        if case.path == INGEST and not callable(case.sent.get("content")):
            api.http.request(case.method, case.path, **case.sent)
    assert api.listed() == []


def test_the_table_has_hundreds_of_cases() -> None:
    assert len({case.title for case in CASES}) >= 200
