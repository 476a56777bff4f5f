"""What the engine's tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.rig import STATES, Rig, State, opened

if TYPE_CHECKING:
    from tests.engine.funnel.clickhouse import ClickHouse


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An empty engine."""
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One engine for many examples; each leaves it as it was."""
    with opened(tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> State:
    """Each form in which events may be held."""
    return request.param


@pytest.fixture(scope="module")
def clickhouse() -> "Iterator[ClickHouse]":
    """ClickHouse in this process; a module's own, as there can be only one session at a time."""
    from tests.engine.funnel.clickhouse import ClickHouse

    session = ClickHouse()
    yield session
    session.close()
