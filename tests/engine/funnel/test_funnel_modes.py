"""Which modes go together: what ClickHouse refuses is a client's fault here, and nothing else is."""

import itertools

import pytest

from sv.insights.funnel.modes import MODES, check_modes, needs_rows
from sv.model.errors import ValidationFailed
from tests.engine.funnel.clickhouse import ClickHouse


def test_of_all_32_sets_of_modes_clickhouse_refuses_the_same_8(clickhouse: ClickHouse) -> None:
    refused = 0
    for size in range(len(MODES) + 1):
        for modes in itertools.combinations(MODES, size):
            if clickhouse.accepts(modes):
                assert check_modes(modes) == set(modes)
            else:
                refused += 1
                with pytest.raises(ValidationFailed, match="allow_reentry is allowed only together with"):
                    check_modes(modes)
    assert refused == 8


def test_a_mode_named_twice_is_named_once(clickhouse: ClickHouse) -> None:
    assert check_modes(["strict_order", "strict_order"]) == {"strict_order"}
    assert clickhouse.accepts(["strict_order", "strict_order"])


@pytest.mark.parametrize("name", ["strict", "STRICT_ORDER", "", " strict_order", "x" * 10_000, "'); drop"])
def test_an_unknown_mode_is_refused_at_the_field_with_a_short_message(name: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        check_modes(["strict_order", name])
    assert [detail.field for detail in refusal.value.details] == ["modes"]
    assert len(refusal.value.message) < 300


def test_only_strict_once_without_strict_increase_needs_rows() -> None:
    assert needs_rows(check_modes(["strict_once", "strict_order"]))
    assert not needs_rows(check_modes(["strict_once", "strict_increase"]))
    assert not needs_rows(check_modes(["strict_deduplication", "strict_order", "allow_reentry"]))
