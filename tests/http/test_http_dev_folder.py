"""What `sv dev` does at its end with the folder that it made for itself, and with one that it was given."""

from pathlib import Path

from http_rig import Api, event, running

TELLING = """
import sys
from sv.cli import main
from sv.store.maintenance import Maintenance

flush_last = Maintenance.flush_last

def told(self):
    print("wrote the last events as files", file=sys.stderr)
    flush_last(self)

Maintenance.flush_last = told
sys.argv[0] = "sv"
sys.exit(main())
"""


def ended(*arguments: str) -> tuple[Path, list[str]]:
    """Of a server that took in an event: where its data was, and what it told at its end."""
    with running("dev", *arguments, code=TELLING) as server:
        with Api(server) as api:
            api.send(event())
        server.stop()
        return Path(server.ready["data"]), server.take_faults()


def test_what_is_thrown_away_is_not_written_as_files_before() -> None:
    folder, told = ended()
    assert told == []
    assert not folder.exists()


def test_what_is_kept_is(tmp_path: Path) -> None:
    folder, told = ended("--data", str(tmp_path / "data"))
    assert told == ["wrote the last events as files"]
    assert list(folder.rglob("*.parquet"))
