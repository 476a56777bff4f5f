from collections.abc import Iterator
from pathlib import Path

import pytest

from sv.meta.db import Meta


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sv.db"


@pytest.fixture
def meta(path: Path) -> Iterator[Meta]:
    with Meta.open(path) as opened:
        yield opened
