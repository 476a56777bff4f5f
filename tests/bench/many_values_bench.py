"""Funnels and trends filtered by properties of more values than key files have codes for, ours and ClickHouse's, as `properties_bench` has them.

Its events have three properties more: what was searched for (in half of all events one of some 400,000 texts, in a tenth `shoes`), an order's
id, and how long something took, in ms with three decimals. `SV_BENCH_EVENTS` says how many events (2,000,000); of fewer the numbers fit codes.
"""

from tests.bench import properties_bench
from tests.bench.properties_bench import both, filtered, measured, measured_of, row

WORDS = "['red', 'blue', 'green', 'white', 'black', 'small', 'large', 'warm', 'light', 'new']"
THINGS = "['boots', 'socks', 'coat', 'jacket', 'hat', 'gloves', 'scarf', 'shirt', 'trousers', 'belt']"
PROPERTIES = f"""{properties_bench.PROPERTIES.rstrip().removesuffix("}'")}
    ,"order":"O-' || (100000000 + hash(i, 20) % 900000000) || '","took_ms":' || (hash(i, 21) % 100000000) / 1000
    || case hash(i, 22) % 10
         when 0 then ',"search":"shoes"' when 1 then '' when 2 then '' when 3 then '' when 4 then ''
         else ',"search":"' || {WORDS}[(1 + hash(i, 23) % 10)::bigint] || ' ' || {THINGS}[(1 + hash(i, 24) % 10)::bigint] || ' ' || (hash(i, 25) % 4000) || '"'
       end
    || '}}'
"""
# What is asked for, what ClickHouse asks of its JSON column, and what of its string.
FILTERS = [
    (
        "search is shoes",
        {"property": "search", "operator": "exact", "value": "shoes"},
        "doc.search.:String = 'shoes'",
        "JSONExtractString(text, 'search') = 'shoes'",
    ),
    (
        "search contains boots",
        {"property": "search", "operator": "icontains", "value": "boots"},
        "positionCaseInsensitiveUTF8(doc.search.:String, 'boots') > 0",
        "positionCaseInsensitiveUTF8(JSONExtractString(text, 'search'), 'boots') > 0",
    ),
    (
        "search matches s.*12",
        {"property": "search", "operator": "regex", "value": "s.*12"},
        "match(doc.search.:String, 's.*12')",
        "match(JSONExtractString(text, 'search'), 's.*12')",
    ),
    ("search is set", {"property": "search", "operator": "is_set"}, "doc.search.:String is not null", "JSONHas(text, 'search')"),
    (
        "order contains 77",
        {"property": "order", "operator": "icontains", "value": "77"},
        "positionCaseInsensitiveUTF8(doc.order.:String, '77') > 0",
        "positionCaseInsensitiveUTF8(JSONExtractString(text, 'order'), '77') > 0",
    ),
    (
        "took above 50 s",
        {"property": "took_ms", "operator": "gt", "value": 50_000},
        "(doc.took_ms.:Float64 > 50000 or doc.took_ms.:Int64 > 50000)",
        "JSONExtractFloat(text, 'took_ms') > 50000",
    ),
]
MATHS = [("sum", "sum(number)"), ("max", "max(number)"), ("p95", "quantileExactInclusive(0.95)(number)")]


def main() -> None:
    with both(PROPERTIES) as (ours, theirs):
        for each in FILTERS:
            filtered(ours, theirs, *each)
        for math, theirs_of in MATHS:
            row(
                f"{math} of took_ms by day",
                lambda m=math: measured(ours, m, None, "took_ms"),
                lambda m=theirs_of: measured_of(theirs, "docs", m, "doc.took_ms::Float64", "''"),
                lambda m=theirs_of: measured_of(theirs, "texts", m, "JSONExtractFloat(text, 'took_ms')", "''"),
            )


if __name__ == "__main__":
    main()
