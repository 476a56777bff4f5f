"""An export has what was acknowledged before it began, whatever a clock said when it came."""

from pathlib import Path

import pytest
from folder_rig import PROJECT, Folder, now_ms

from sv.model.exports import parse_export_query

HOUR_MS = 3_600_000


@pytest.mark.parametrize("is_flushed", [True, False])
def test_an_export_has_what_was_received_by_a_clock_that_was_put_back_since(tmp_path: Path, is_flushed: bool) -> None:
    ahead = Folder(tmp_path / "data", clock=lambda: now_ms() + 3 * HOUR_MS)
    ahead.put("1", "2")
    if is_flushed:
        ahead.close()
    else:
        ahead.crash()
    folder = Folder(tmp_path / "data")
    folder.put("3")
    exports = folder.server.load_services().exports
    query = parse_export_query([], timezone="UTC", now_ms=now_ms())
    plan = exports.plan(PROJECT, query, now_ms())
    assert plan["events"] == 3
    whole = parse_export_query([("received_before", plan["received_before"])], timezone="UTC", now_ms=now_ms())
    assert b"".join(exports.blocks(PROJECT, whole)).count(b"\n") == 3
    folder.close()
