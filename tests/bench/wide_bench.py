"""Funnels and trends of rare events, filtered by properties that these events alone have, ours and ClickHouse's, as `properties_bench` has them.

There are six events, the rarer ones a half to a quarter as frequent as the one before, and each has twelve properties of its own: 72 names in
all. What is asked is of the fourth event, some 4 % of all, and its properties. `SV_BENCH_EVENTS` says how many events (2,000,000).
"""

from tests.bench.funnel_bench import STEPS
from tests.bench.many_values_bench import THINGS, WORDS
from tests.bench.properties_bench import both, filtered

OWN = {
    "colour": f"'\"' || {WORDS}[(1 + hash(i, 30) % 10)::bigint] || '\"'",
    "label": f"""'"' || {WORDS}[(1 + hash(i, 31) % 10)::bigint] || ' ' || {THINGS}[(1 + hash(i, 32) % 10)::bigint] || ' ' || (hash(i, 33) % 20) || '"'""",
    "price": "(hash(i, 34) % 20000) / 100",
    "count": "hash(i, 35) % 100",
    "size": "hash(i, 36) % 12",
    "batch": "'\"B' || (hash(i, 37) % 500) || '\"'",
    "is_new": "(hash(i, 38) % 10 = 0)",
    "ratio": "(hash(i, 39) % 1000) / 1000",
    "source": "'\"S' || (hash(i, 40) % 30) || '\"'",
    "place": "hash(i, 41) % 40",
    "kind": f"'\"' || {THINGS}[(1 + hash(i, 42) % 10)::bigint] || '\"'",
    "note": "case when hash(i, 43) % 2 = 0 then 'null' else '\"N' || (hash(i, 44) % 200) || '\"' end",
}
PROPERTIES = f"""
    '{{"$current_url":"https://shop.example/p/' || (i % 50) || '"'
    || {" || ".join(f'''',"' || ltrim(event, '$') || '_{name}":' || {value}''' for name, value in OWN.items())}
    || '}}'
"""
EVENT = STEPS[3]
# What is asked for, what ClickHouse asks of its JSON column, and what of its string.
FILTERS = [
    (
        "source is S7",
        {"property": f"{EVENT}_source", "operator": "exact", "value": "S7"},
        f"doc.{EVENT}_source.:String = 'S7'",
        f"JSONExtractString(text, '{EVENT}_source') = 'S7'",
    ),
    (
        "size above 9",
        {"property": f"{EVENT}_size", "operator": "gt", "value": 9},
        f"doc.{EVENT}_size.:Int64 > 9",
        f"JSONExtractFloat(text, '{EVENT}_size') > 9",
    ),
    (
        "label contains boots",
        {"property": f"{EVENT}_label", "operator": "icontains", "value": "boots"},
        f"positionCaseInsensitiveUTF8(doc.{EVENT}_label.:String, 'boots') > 0",
        f"positionCaseInsensitiveUTF8(JSONExtractString(text, '{EVENT}_label'), 'boots') > 0",
    ),
    (
        "note is set",
        {"property": f"{EVENT}_note", "operator": "is_set"},
        f"doc.{EVENT}_note.:String is not null",
        f"JSONExtractString(text, '{EVENT}_note') != ''",
    ),
]


def main() -> None:
    with both(PROPERTIES) as (ours, theirs):
        for each in FILTERS:
            filtered(ours, theirs, *each, steps=STEPS[2:5], event=EVENT)


if __name__ == "__main__":
    main()
