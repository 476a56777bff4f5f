"""`python -m tests.bench [NAME...]`: the benchmarks, as ratios to a reference measured in the same run.

Run it on a machine that does nothing else. Without names, all run, one after the other.
"""

import importlib
import sys

BENCHES = (
    "start_bench",
    "app_bench",
    "bulk_bench",
    "ingest_bench",
    "ingest_under_queries_bench",
    "flush_bench",
    "funnel_bench",
    "insights_bench",
    "sessions_bench",
    "self_join_bench",
    "served_bench",
    "identity_bench",
    "funnel_core_bench",
    "lists_bench",
    "disk_bench",
    "definitions_bench",
    "overview_bench",
    "properties_bench",
    "many_values_bench",
    "wide_bench",
    "variants_bench",
    "sizing_bench",
    "wal_bench",
)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
