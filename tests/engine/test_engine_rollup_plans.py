"""What folding costs hangs on what is new, never on what is there: no statement of it goes through a table or an index from end to end."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from sv.meta.rollups.builds import KINDS
from tests.engine.rollup_rig import RollupRig
from tests.engine.test_engine_sessions import an_event

_WRITES = re.compile(r"\s*(insert|update|delete|replace)\b", re.IGNORECASE)
_SCAN = re.compile(r"SCAN (\w+)|SEARCH (\w+) USING [A-Z ]*(?:INDEX \w+ |KEY )\(build=\?\)$")
"""Of a build all rows is as good as of a table."""

LASTING = {table for kind in KINDS for table in kind.tables if not table.endswith("_search")}

BY_AGE = ("delete from session_moves",)
"""Reads the oldest rows, by number, up to a limit."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path)
    yield rig
    rig.close()


def test_no_statement_that_folds_goes_through_all_that_is_there(rig: RollupRig) -> None:
    chance = random.Random(7)
    told: dict[str, Any] = {}

    def note(_cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        told[sql] = bindings
        return True

    with rig.meta.transaction() as writer:
        writer.set_exec_trace(note)
    for _ in range(60):  # in which sessions move, runs join and persons get further traits
        rig.send("p", [an_event(chance) for _ in range(3)])
        rig.rollups.catch_up()
    scanned: set[tuple[str, str]] = set()
    with rig.meta.transaction() as writer:
        writer.set_exec_trace(None)
        assert any("session_moves" in sql for sql in told) and any("session_persons" in sql for sql in told)
        for sql, bindings in told.items():
            if not _WRITES.match(sql) or " ".join(sql.split()).startswith(BY_AGE):
                continue
            aliases = dict(re.findall(r"\b(?:from|join|update|into)\s+(\w+)\s+(?:as\s+)?(\w+)", sql))
            by_alias = {alias: table for table, alias in aliases.items()}
            for row in writer.execute(f"explain query plan {sql}", bindings):
                found = _SCAN.match(str(row[3]))
                name = found and (found[1] or found[2])
                if name and by_alias.get(name, name) in LASTING:
                    scanned.add((" ".join(sql.split())[:100], str(row[3])))
    assert scanned == set()
