"""One data folder for each module, and a project of its own for each test."""

from collections.abc import Iterator

import pytest
from imports_rig import Folder, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with opened(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture
def project(folder: Folder) -> str:
    return folder.new_project()
