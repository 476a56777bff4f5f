"""What a funnel of 3 steps costs more with a breakdown and with a smart event as a step, against the same funnel without, over 2 million events.

The events are those of `properties_bench`, nine properties each. Medians of interleaved rounds, nothing kept between questions;
`SV_BENCH_EVENTS` takes another size. Merged identity has `identity_bench`.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, Ours
from tests.bench.properties_bench import PROPERTIES

ROUNDS = 5
VARIANTS = (
    "plain",
    "by a column",
    "by a property",
    "by a property of 1,000 values",
    "a smart event: event and filter",
    "a smart event: URL",
)


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        ours = Ours(Path(name), count, properties=PROPERTIES)
        queries = {variant: query(variant) for variant in VARIANTS}
        rounds = [{variant: timed(ours, asked) for variant, asked in queries.items()} for _ in range(ROUNDS)]
        medians = {variant: statistics.median(each[variant] for each in rounds) for variant in VARIANTS}
        print(f"{count:,} events\n{'':36} ms    ratio to the first")
        for variant, ms in medians.items():
            print(f"{variant:32} {ms:7.1f}   {ms / medians['plain']:6.2f}", flush=True)


def query(variant: str) -> Any:
    import msgspec

    from sv.model.filters import Filter, Operator
    from sv.model.query_parsing import parse_funnel_query
    from sv.model.smart_events import Rule

    body: dict[str, Any] = {
        "steps": [{"event": step} for step in STEPS[:3]],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
    }
    names = {"by a column": "$device_type", "by a property": "plan", "by a property of 1,000 values": "coupon"}
    if variant in names:
        body["breakdown"] = names[variant]
    parsed = parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    rules = {
        "a smart event: event and filter": Rule(event=STEPS[1], filters=(Filter("plan", Operator.EXACT, "team"),)),
        "a smart event: URL": Rule(url="/p/7", url_match="contains"),
    }
    if variant in rules:
        step = msgspec.structs.replace(parsed.steps[1], event=None, action_id="smart", smart=smart(rules[variant]))
        parsed = msgspec.structs.replace(parsed, steps=(parsed.steps[0], step, *parsed.steps[2:]))
    return parsed


def smart(rule: Any) -> Any:
    from sv.model.smart_events import SmartEvent

    return SmartEvent(
        id="smart", name="smart", description="", rules=(rule,), is_archived=False, version=1, created_ms=0, updated_ms=0
    )


def timed(ours: Ours, asked: Any) -> float:
    """Milliseconds."""
    from sv.insights.funnels import funnel

    started = time.perf_counter()
    funnel(ours.context(is_first=True), asked)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
