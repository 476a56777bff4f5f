"""Servers that are gone when the test is, however it ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from crash_rig import QUIET, Server, closing_all

Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Makes servers, not yet started: serve(folder?, wrapper=…, SV_…="…"). The folder is `data` of the test's own."""
    with closing_all([]) as servers:

        def make(folder: Path | None = None, wrapper: Sequence[str] = (), command: str = "dev", **settings: str) -> Server:
            chosen: Mapping[str, str] = {**QUIET, **settings}
            servers.append(Server(folder or tmp_path / "data", chosen, wrapper=wrapper, command=command, output=tmp_path))
            return servers[-1]

        yield make
