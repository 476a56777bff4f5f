"""`GET events` of one distinct id reads the files that hold something of it, which key files tell, and no others."""

import time
from pathlib import Path

from http_rig import DAY, Api, event, running


def files_below(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.rglob(pattern))


def test_events_of_one_person_are_not_looked_for_in_files_of_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    now = time.time() * 1000
    with running("dev", "--data", str(data)) as server, Api(server) as api:
        for day, person in ((2, "ann"), (1, "bob")):  # enough of each for key files
            api.send(*(event("view", person, now - day * DAY + number) for number in range(300)))
    with running("dev", "--data", str(data)) as server, Api(server) as api:
        assert len(api.page(limit=1)["data"]) == 1
        until = time.monotonic() + 60
        while len(files_below(data / "keys", "*.keys")) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(files_below(data / "keys", "*.keys")) == 2
        (newer,) = (path for path in files_below(data / "events", "*.parquet") if path.stat().st_size and _is_bobs(path))
        newer.unlink()
        found = api.http.get(api.path("events"), params={"distinct_id": "ann", "limit": "5"})
        assert found.status_code == 200, found.text
        assert [each["distinct_id"] for each in found.json()["data"]] == ["ann"] * 5


def _is_bobs(path: Path) -> bool:
    return b"bob" in path.read_bytes()
