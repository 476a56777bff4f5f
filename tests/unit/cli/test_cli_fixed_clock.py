"""What `sv dev` changes of the settings where its clock stands."""

from pathlib import Path

import pytest
from process_rig import ended

CODE = """
import sv.cli.dev_command as dev
def tell(server, *_, **__):
    print(server.settings.retry_window_seconds, server.settings.flush_seconds, file=sys.stderr)
    return 0
dev.run_server = tell
begin()
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "600 10.0"),
        (["--fixed-clock", "2026-01-31T12:00:00Z"], "0 3600.0"),
        (["--fixed-clock", "2026-01-31T12:00:00Z", "--flush-seconds", "5", "--retry-window-seconds", "60"], "60 5.0"),
    ],
)
def test_nothing_hangs_on_a_real_clock_where_the_clock_stands_unless_it_is_said_to(
    tmp_path: Path, given: list[str], expected: str
) -> None:
    assert ended(tmp_path, CODE, "dev", *given) == (0, f"{expected}\n")
