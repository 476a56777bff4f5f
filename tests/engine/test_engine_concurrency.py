"""Queries while events arrive and files change: each answer is about one moment."""

import threading
from typing import Any

from sv.insights.funnels import funnel
from sv.insights.trends import trends
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.engine.rig import NOON, Rig, event

TODAY: dict[str, Any] = {"date_from": "2025-06-15", "date_to": "2025-06-15"}


def test_a_query_sees_whole_requests_and_later_ones_never_less(rig: Rig) -> None:
    # Everybody who views also buys, in the same request, before anybody else's times. So a funnel that reads its steps at different
    # moments shows somebody who didn't, and one that packs times by a range of an earlier moment mixes people up.
    batches = [
        rig.batch(
            [
                event(name, f"person-{number}-{place}", NOON - number * 1000 + place, plan=str(number % 3))
                for place in range(5)
                for name in ("view", "buy")
            ]
        )
        for number in range(60)
    ]
    rig.buffer(batches[0])
    total = parse_trends_query(TODAY | {"events": [{"name": "view"}], "breakdown": "plan"}, timezone="UTC", now_ms=NOON)
    steps = {"steps": [{"event": "view"}, {"event": "buy"}], "breakdown": "plan"}
    by_person = parse_funnel_query(TODAY | steps, timezone="UTC", now_ms=NOON)
    by_session = parse_funnel_query(TODAY | steps | {"aggregate_by": "session"}, timezone="UTC", now_ms=NOON)
    faults: list[BaseException] = []
    is_done = threading.Event()

    def arrive() -> None:
        try:
            for batch in batches[1:]:
                rig.tables.drain(rig.buffers[0], [batch])
        except BaseException as error:
            faults.append(error)
        finally:
            is_done.set()

    arriving = threading.Thread(target=arrive)
    arriving.start()
    seen = 0
    while True:
        is_last = is_done.is_set()
        context = rig.context()
        counted = sum(line["total"] for line in trends(context, total)["series"])
        for query in (by_person, by_session):
            answer = funnel(context, query)
            assert [line["count"] for line in answer["steps"]] == [counted, counted]
            assert sum(line["steps"][1]["count"] for line in answer["breakdowns"]) == counted
        assert counted % 5 == 0 and counted >= seen
        seen = counted
        if is_last:
            break
    arriving.join()
    assert not faults
    assert seen == 300


def test_drains_into_two_buffers_and_merges_go_on_side_by_side(rig: Rig) -> None:
    for generation in (rig.buffer(), rig.buffer(), rig.buffer()):
        rig.tables.drain(generation, [rig.batch([event("e", "ann", NOON)])])
    rig.flush(rig.buffers[0])
    parts = list(rig.parts)
    faults: list[BaseException] = []

    def several(work: Any, *arguments: Any) -> None:
        try:
            for _ in range(8):
                work(*arguments)
        except BaseException as error:
            faults.append(error)

    target = rig.folder / "events" / "merged.parquet"
    made = {
        generation: rig.batch([event("e", "ann", NOON) | {"eventId": f"00000000-0000-0000-0000-00000000000{generation}"}])
        for generation in rig.buffers
    }
    workers = [
        threading.Thread(target=several, args=(rig.tables.drain, generation, [batch])) for generation, batch in made.items()
    ]
    workers.append(
        threading.Thread(target=several, args=(rig.tables.merge_files, [rig.folder / part.path for part in parts], target))
    )
    workers.append(threading.Thread(target=several, args=(rig.rows,)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not faults
    assert len(rig.rows()) == 1 + 2 + 2
