"""Bodies of trends for property tests: any series, range, interval, zone and breakdown."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from sv.model.calendar import iso_ms
from sv.model.limits import HOUR_MS
from tests.engine.rig import NOON

_MOMENTS = st.integers(-2 * 24, 10 * 24).map(lambda hours: NOON + hours * HOUR_MS)


def trend_bodies(series: st.SearchStrategy[Any], breakdowns: Sequence[str | None]) -> st.SearchStrategy[dict[str, Any]]:
    """With one or two of these series, by one of these properties or none."""
    return st.builds(
        _body,
        st.lists(series, min_size=1, max_size=2),
        _MOMENTS,
        _MOMENTS,
        st.sampled_from(("hour", "day", "week", "month")),
        st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kathmandu")),
        st.sampled_from(breakdowns),
        st.integers(1, 3),
        st.booleans(),
    )


def _body(
    asked: list[Any], low: int, high: int, interval: str, timezone: str, breakdown: str | None, limit: int, include_bots: bool
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "events": asked,
        "interval": interval,
        "timezone": timezone,
        "date_from": iso_ms(min(low, high)),
        "date_to": iso_ms(max(low, high) + 1),
        "include_bots": include_bots,
    }
    return body if breakdown is None else body | {"breakdown": breakdown, "breakdown_limit": limit}
