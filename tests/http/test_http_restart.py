"""What a restart leaves as it was: events, their ids, cursors, and the memory of what was sent before."""

import json
import time
from pathlib import Path
from uuid import uuid4

from http_rig import NOON, Api, body_of, event, running, story

DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}


def test_after_a_restart_everything_is_there_and_what_is_sent_again_is_still_known(tmp_path: Path) -> None:
    data = ("dev", "--data", str(tmp_path / "data"))
    partial = json.dumps(body_of([event("dated"), 5])).encode()
    one = str(uuid4())
    with running(*data) as server, Api(server) as api:
        api.send(*story("ann: view@0m, buy@1m; bob: view@2m"))
        first = api.post_raw(partial)
        api.send(event("with id", eventId=one))
        before = api.listed()
        page = api.page(limit=2)
    with running(*data) as server, Api(server) as api:
        assert api.listed() == before
        assert api.page(cursor=page["meta"]["next_cursor"])["data"] == before[2:]
        assert api.http.get(api.path(f"events/{before[0]['id']}")).json() == before[0]
        again = api.post_raw(partial)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        api.send(event("with id", "bob", NOON + 1, eventId=one))
        assert api.listed() == before
        assert [step["count"] for step in api.funnel(steps=[{"event": "view"}, {"event": "buy"}], **DAY)["steps"]] == [2, 1]
        api.send(event("after", "cyd", NOON + 9_000_000))
        assert api.page(limit=1)["data"][0]["event"] == "after"
        assert api.failures == []


def test_after_the_window_the_same_body_is_another_batch() -> None:
    with running("dev", environment={"SV_RETRY_WINDOW_SECONDS": "2"}) as server, Api(server) as api:
        sent = json.dumps(body_of([event("again")])).encode()
        api.post_raw(sent)
        api.post_raw(sent)
        assert len(api.listed()) == 1
        time.sleep(2.1)
        api.post_raw(sent)
        assert len(api.listed()) == 2


def test_without_a_window_every_body_is_stored() -> None:
    with running("dev", environment={"SV_RETRY_WINDOW_SECONDS": "0"}) as server, Api(server) as api:
        for _ in range(3):
            api.send(event("again"))
        assert len(api.listed()) == 3


def test_without_a_window_for_event_ids_every_event_is_stored() -> None:
    with running("dev", environment={"SV_EVENT_ID_WINDOW_SECONDS": "0"}) as server, Api(server) as api:
        for number in range(3):
            api.send(*[event(f"{number} {place}", eventId="550e8400-e29b-41d4-a716-446655440000") for place in range(2)])
        assert len(api.listed()) == 6
