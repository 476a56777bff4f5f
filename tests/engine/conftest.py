"""What the engine's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.funnel.clickhouse import ClickHouse
from tests.engine.rig import STATES, Rig, State, opened


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An empty engine."""
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> State:
    """Each form in which events may be held."""
    return request.param


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[ClickHouse]:
    """ClickHouse in this process; a module's own, as there can be only one session at a time."""
    session = ClickHouse()
    yield session
    session.close()
