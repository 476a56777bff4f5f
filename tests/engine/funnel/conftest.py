"""What the funnel's tests share."""

from collections.abc import Iterator

import pytest

from tests.engine.funnel.clickhouse import ClickHouse


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[ClickHouse]:
    """ClickHouse in this process; a module's own, as there can be only one session at a time."""
    session = ClickHouse()
    yield session
    session.close()
