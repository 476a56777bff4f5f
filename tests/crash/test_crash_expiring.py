"""What is older than a project keeps it leaves the disk: files, log and lists; what isn't stays, and a crash only delays it."""

import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from crash_rig import numbers_in_files
from erase_rig import DAY_MS, erase, event, files_with, jobs_of, listed, put
from folder_rig import PROJECT, Folder, now_ms
from steps_rig import MOST_STEPS, SEED, Killed, Steps, watch

from sv.meta.jobs import Jobs
from sv.model.errors import Unavailable
from sv.privacy.expiring import Expiring
from sv.recordings.request import UploadRequest
from sv.store import flush_plan
from sv.wal.fault import LogFault
from tests import chance

DAYS = 5
OLD_MARKS = (b"oldSession", b"oldUrlMark", b"oldPropertyKey", b"OldTraitMark")
NEW = Counter(f"new{nth}" for nth in range(6))


def keep(folder: Folder, settings: bytes = b'{"event_retention_days": %d}' % DAYS) -> None:
    folder.server.projects.update(PROJECT, settings=settings)


def midnight_ms() -> int:
    return now_ms() // DAY_MS * DAY_MS


def fill(path: Path) -> Folder:
    """Old events of days of their own, old ones and new ones in a file of many days, and some of both in the log alone."""
    folder = Folder(path)
    today = midnight_ms()
    put(folder, event("old-1", "old", 0, today - 20 * DAY_MS), event("old-1", "old", 1, today - 20 * DAY_MS + 1))
    put(folder, event("both", "new", 0, today - DAYS * DAY_MS), event("both", "new", 1, today))
    folder.flush()
    spread = [event("both", "old", 10 + nth, today - (DAYS + 1 + nth) * DAY_MS) for nth in range(4)]
    put(folder, *spread, event("both", "new", 2, today), event("both", "new", 3, today - DAY_MS))
    with mock.patch.object(flush_plan, "MAX_FILES_PER_FLUSH", 2):
        folder.flush()
    put(
        folder,
        event("old-1", "old", 99, today - DAYS * DAY_MS - 1),
        event("both", "new", 4, today),
        event("bob", "new", 5, today),
    )
    return folder


def expire(folder: Folder) -> None:
    """What the thread does every hour."""
    folder.server.jobs._expiring.look()
    folder.server.jobs.run_all()


def check_expired(folder: Folder) -> None:
    assert files_with(folder.path, OLD_MARKS) == []
    assert folder.numbers() == NEW
    assert listed(folder) == {"both": 5, "bob": 1}
    folder.close()
    assert numbers_in_files(folder.path) == NEW
    assert files_with(folder.path, OLD_MARKS) == []
    assert files_with(folder.path, (b"NewTraitMark",)), "what is new is still there"


def test_what_is_too_old_leaves_files_log_and_lists_and_the_rest_stays(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    for mark in OLD_MARKS:
        assert files_with(folder.path, (mark,)), mark
    keep(folder)
    expire(folder)
    (job,) = jobs_of(folder)
    assert (job.kind, job.state, job.events_removed, job.left_behind) == ("expire_events", "done", 7, ())
    check_expired(folder)


def test_files_of_one_day_are_dropped_or_left_as_they_are(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    folder.flush()
    days = {part.path: part.day for part in folder.server.catalog.parts()}
    assert None in days.values(), "one is of many days"
    keep(folder)
    expire(folder)
    after = {part.path: part.day for part in folder.server.catalog.parts()}
    assert {path for path in after if path not in days} == {path for path, day in after.items() if day is None}
    assert len([day for day in after.values() if day is None]) == 1
    folder.close()


def test_where_nothing_is_too_old_there_is_no_job_and_no_engine(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    put(folder, event("both", "new", 0, midnight_ms() - DAYS * DAY_MS))
    keep(folder)
    folder.close()
    folder = Folder(folder.path)
    expire(folder)
    assert jobs_of(folder) == []
    assert not folder.server.store.is_engine_open
    keep(folder, b"{}")
    put(folder, event("old-1", "old", 0, 0))
    folder.flush()
    expire(folder)
    assert jobs_of(folder) == [], "a project without retention keeps all"
    assert folder.numbers() == Counter(["new0", "old0"])
    folder.close()


def test_what_comes_in_late_and_too_old_goes_the_next_day_or_at_a_start(tmp_path: Path) -> None:
    """Not within the hour: the lists are made anew for it."""
    folder = fill(tmp_path / "data")
    keep(folder)
    expire(folder)
    put(folder, event("late", "old", 200, midnight_ms() - 30 * DAY_MS))
    folder.flush()
    expire(folder)
    assert [job.events_removed for job in jobs_of(folder)] == [7]
    assert folder.numbers() == NEW + Counter(["old200"])
    folder.close()
    folder = Folder(folder.path)
    expire(folder)
    put(folder, event("late", "old", 201, midnight_ms() - 30 * DAY_MS))
    folder.flush()
    assert [job.events_removed for job in jobs_of(folder)] == [1, 7]
    keep(folder, b'{"event_retention_days": %d}' % (DAYS + 1))
    expire(folder)
    keep(folder)
    assert [job.events_removed for job in jobs_of(folder)] == [1, 1, 7]
    check_expired(folder)


def test_each_day_has_its_job_where_something_is_too_old_by_then(tmp_path: Path) -> None:
    now = [midnight_ms() + DAY_MS // 2]
    folder = Folder(tmp_path / "data", clock=lambda: now[0])
    keep(folder)
    for nth in range(3):
        put(folder, event("old-1", "old", nth, midnight_ms() - (DAYS - nth) * DAY_MS))
    folder.flush()
    left = []
    for _ in range(4):
        expire(folder)
        left.append(folder.numbers().total())
        now[0] += DAY_MS
    assert left == [3, 2, 1, 0]
    folder.close()


def test_a_clock_that_is_a_year_ahead_at_a_start_takes_nothing_away_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    keep(folder, b'{"event_retention_days": 5, "recording_retention_days": 5}')
    put(folder, event("both", "new", 0, now_ms()))
    folder.close()
    ahead = Folder(folder.path, clock=lambda: now_ms() + 365 * DAY_MS)
    expire(ahead)
    assert ahead.numbers().total() == 1
    ahead.server.jobs._expiring._is_doubted = lambda: False
    expire(ahead)
    assert ahead.numbers().total() == 0
    ahead.close()


def test_a_project_that_keeps_all_again_before_the_job_runs_keeps_all(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    before = folder.numbers()
    keep(folder)
    folder.server.jobs._expiring.look()
    keep(folder, b"{}")
    folder.server.jobs.run_all()
    (job,) = jobs_of(folder)
    assert (job.state, job.events_removed) == ("done", 0)
    assert folder.numbers() == before
    folder.close()


@pytest.mark.parametrize(("strikes", "every"), [("kill", 12), ("before", 19)])
def test_whichever_step_is_the_last_before_a_crash_the_next_start_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strikes: str, every: int
) -> None:
    print(f"SV_CRASH_SEED={SEED}")
    every = round(every / chance.examples(1)) or 1
    for last in range(1 + SEED % every, MOST_STEPS, every):
        folder = fill(tmp_path / str(last))
        keep(folder)
        folder.server.jobs._expiring.look()
        steps = Steps(last, strikes)
        with monkeypatch.context() as patch:
            watch(steps, folder, patch)
            watch_log_and_sums(steps, folder, patch.setattr)
            with contextlib.suppress(Killed, Unavailable, OSError, LogFault):
                folder.server.jobs.run_all()
        folder.crash()
        folder = Folder(folder.path)
        folder.server.jobs.run_all()
        (job,) = jobs_of(folder)
        assert (job.state, job.events_removed) == ("done", 7), (last, steps.taken)
        check_expired(folder)
        if not steps.has_struck:
            assert len(steps.taken) > 10, steps.taken
            return
    pytest.fail("the steps never end")


def watch_log_and_sums(steps: Steps, folder: Folder, patch: Callable[..., None]) -> None:
    """The log's files, the lists' rebuild, and the end of the job too."""
    server = folder.server
    for holder, name in ((server.log, "renew"), (server.log, "truncate_below"), (server.rollup_work, "rebuild")):
        patch(holder, name, steps.around(name, getattr(holder, name), Unavailable("the disk refuses")))


def test_recordings_go_by_their_own_days_and_younger_ones_stay(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    keep(folder, b'{"recording_retention_days": 2}')
    server = folder.server
    recordings = server.recordings.recordings
    assert server.recordings.own is not None
    key = recordings.promise(PROJECT, UploadRequest(PROJECT, "s-1", 0, 5, None, None), "http://here").key
    recordings.store(key, 5, lambda: server.recordings.own.put(key, b"chunk", "application/json"))
    for days, kept in ((2, [b"chunk"]), (3, [])):
        at_ms = now_ms() + days * DAY_MS - 60_000
        rows, projects = Jobs(server.meta), server.projects
        Expiring(
            rows, projects.list_all, projects.find, folder.server.catalog.parts, recordings.expire_recordings,
            lambda at=at_ms: at, lambda *_: False,
        ).look()  # fmt: skip
        assert [path.read_bytes() for path in (folder.path / "objects").rglob("*.json")] == kept
    assert recordings.recorded(PROJECT, ["s-1"]) == set()
    assert jobs_of(folder) == []
    folder.close()


def test_a_day_of_which_some_is_young_enough_is_kept_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    keep(folder)
    noon_ms = midnight_ms() + DAY_MS // 2
    for at_ms in (noon_ms, noon_ms + DAY_MS // 2 - 1):
        expiring = Expiring(
            Jobs(folder.server.meta), folder.server.projects.list_all, folder.server.projects.find, lambda _: [], lambda *_: 0,
            lambda at=at_ms: at, lambda *_: False,
        )  # fmt: skip
        assert expiring.keep_from_ms(PROJECT) == midnight_ms() - DAYS * DAY_MS
        assert expiring.keep_from_ms("nowhere") is None
    folder.close()


def test_a_person_without_events_any_more_is_known_by_number_alone_and_can_be_erased(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    keep(folder)
    expire(folder)
    assert files_with(folder.path, (b"old-1",)) == ["sv.db"]
    erase(folder, "old-1")
    folder.close()
    assert files_with(folder.path, (b"old-1",)) == []


def test_an_event_id_that_went_with_an_old_event_is_known_no_more_also_without_a_crash(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    keep(folder)
    folder.put("1", with_ids=True, at_ms=now_ms() - (DAYS + 1) * DAY_MS)
    folder.put("2", with_ids=True)
    folder.flush()
    expire(folder)
    assert folder.numbers() == Counter("2")
    folder.put("1", "2", with_ids=True)
    assert folder.numbers() == Counter("12")
    folder.crash()
    folder = Folder(folder.path)
    assert folder.numbers() == Counter("12")
    folder.close()
