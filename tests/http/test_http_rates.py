"""Who sends more than the operator allows is told to come again, and nothing of it is stored."""

from collections.abc import Iterator

import pytest
from http_rig import INGEST, Api, body_of, event, running

ONE_EVENT = "0.005"
"""Events a second: a minute has room for one, and the next may come minutes later."""


def metric(api: Api, limit: str) -> float:
    name = f'sv_ingest_limited_events_total{{limit="{limit}"}} '
    return next(float(line.removeprefix(name)) for line in api.http.get("/metrics").text.splitlines() if line.startswith(name))


@pytest.fixture(params=["address", "project"])
def limited(request: pytest.FixtureRequest) -> Iterator[tuple[str, Api]]:
    flag = {"address": "--ingest-rate-limit", "project": "--project-rate-limit"}[request.param]
    with running("dev", flag, ONE_EVENT, "--trusted-proxies", "127.0.0.1") as server, Api(server) as api:
        yield request.param, api


def test_more_than_the_limit_is_503_with_retry_after_and_is_not_stored(limited: tuple[str, Api]) -> None:
    limit, api = limited
    first = body_of([event(timestamp=1), event()], api.project_token)
    from_ann = {"X-Forwarded-For": "192.0.2.1"}
    assert api.http.post(INGEST, json=first, headers=from_ann).status_code == 202

    refused = api.post_events([event(), event(), event()], from_ann)
    assert refused.status_code == 503
    assert 1 <= int(refused.headers["retry-after"]) <= 400
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.json()["code"] == "UNAVAILABLE"
    assert "nothing of this request was stored" in refused.json()["error"]
    assert len(api.http.get(api.path("events"), params={"date_from": "1970-01-01"}).json()["data"]) == 2
    assert metric(api, limit) == 3

    assert api.http.post(INGEST, json=first, headers=from_ann).status_code == 202, "a retry stores nothing"
    other = api.post_events([event()], {"X-Forwarded-For": "192.0.2.2"})
    assert other.status_code == (202 if limit == "address" else 503)


def test_a_request_that_was_refused_is_taken_as_it_is_once_there_is_room() -> None:
    """A rate that lets one event come back in a moment, so that a client's own retry gets through."""
    with running("dev", "--ingest-rate-limit", "20") as server, Api(server) as api:
        assert api.post_events([event()] * 1210).status_code == 202
        again = body_of([event(timestamp=2)], api.project_token)
        answers = [api.http.post(INGEST, json=again).status_code]
        while answers[-1] != 202:
            answers.append(api.http.post(INGEST, json=again).status_code)
        assert set(answers) <= {202, 503}
        stored = api.http.get(api.path("events"), params={"date_from": "1970-01-01", "date_to": "1970-01-02"})
        assert len(stored.json()["data"]) == 1
