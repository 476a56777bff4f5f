"""Jobs that can't be done fail, and say so; the same request takes one up again; and the trail tells who had whom erased, without the person."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from erase_rig import ANN, ASKER, erase, event, files_with, put
from folder_rig import PROJECT, Folder, now_ms

from sv.meta.audit import AuditEntry
from sv.meta.jobs import Jobs
from sv.meta.reset import delete_all_events
from sv.model.access import Actor
from sv.model.errors import Unavailable
from sv.model.jobs import Job, digest_of
from sv.model.limits import ERASE_TRIES, MAX_QUEUED_JOBS
from sv.model.paging import PageQuery

WAIT_S = 60
OTHER = Actor("api_token", "t-2", "operations")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Both persons in one file and in the log."""
    made = Folder(tmp_path / "data")
    put(made, event(ANN, "ann", 0, now_ms()), event("bob-1", "bob", 0, now_ms()))
    made.flush()
    put(made, event(ANN, "ann", 1, now_ms()), event("bob-1", "bob", 1, now_ms()))
    return made


def trail(folder: Folder) -> list[AuditEntry]:
    """All entries, the oldest first."""
    return folder.server.people.audit.page(PageQuery(limit=1000))[::-1]


def told(folder: Folder) -> list[tuple[str, str | None, str, object]]:
    return [(each.action, each.actor_id, each.target_id, json.loads(bytes(each.after))) for each in trail(folder)]


def job_of(folder: Folder) -> Job:
    (job,) = Jobs(folder.server.meta).page(PROJECT, 1 << 62, 10)
    return job


def run_until_failed(folder: Folder, patch: pytest.MonkeyPatch, error: Exception) -> int:
    """Have the server's own thread try a job whose files can't be written anew. Returns how often it tried."""
    tries: list[object] = []
    has_failed = threading.Event()
    jobs = folder.server.jobs

    def failing(*_: object) -> bool:
        tries.append(error)
        raise error

    fail = jobs._fail

    def noted(job: Job) -> None:
        fail(job)
        has_failed.set()

    with patch.context() as patched:
        patched.setattr("sv.privacy.jobs.RETRY_S", 0.0)
        patched.setattr(jobs._erasing._rewriting, "remove", failing)
        patched.setattr(jobs, "_fail", noted)
        jobs.start()
        assert has_failed.wait(WAIT_S)
        jobs.stop()
    return len(tries)


def test_a_job_that_goes_wrong_for_good_fails_after_some_tries_and_says_nothing_of_why(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
    assert run_until_failed(folder, monkeypatch, ValueError(f"/srv/data/{ANN}")) == ERASE_TRIES
    job = job_of(folder)
    assert (job.id, job.state, job.error) == (asked.id, "failed", "it could not be done; the server's log says why")
    assert job.finished_ms is not None
    assert f"job {job.id} went wrong: ValueError" in caplog.text
    assert told(folder) == [
        ("person.erase", "u-1", job.id, None),
        ("person.erase_failed", "u-1", job.id, {"events_erased": 0}),
    ]
    folder.close()


def test_the_same_request_takes_a_failed_job_up_again_under_whoever_asks_then(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
    run_until_failed(folder, monkeypatch, ValueError("no"))
    folder.crash()
    again = Folder(folder.path)
    assert again.server.jobs.queue_erasure(OTHER, PROJECT, ANN).id == asked.id
    assert (job_of(again).state, job_of(again).error, job_of(again).asked_by) == ("queued", None, OTHER)
    again.server.jobs.run_all()
    job = job_of(again)
    assert (job.state, job.events_removed, job.error, job.asked_by) == ("done", 2, None, None)
    assert told(again)[2:] == [
        ("person.erase", "t-2", job.id, None),
        ("person.erase_done", "t-2", job.id, {"events_erased": 2, "left_behind": 0}),
    ]
    again.close()
    assert files_with(again.path) == []


def test_the_trail_tells_who_had_whom_erased_and_exported_by_a_digest_alone(folder: Folder) -> None:
    folder.server.jobs.trail.exported(OTHER, PROJECT, ANN)
    erase(folder)
    exported, asked, done = trail(folder)
    assert [each.action for each in (exported, asked, done)] == ["person.export", "person.erase", "person.erase_done"]
    assert [each.actor_name for each in (exported, asked, done)] == ["operations", ASKER.name, ASKER.name]
    assert [each.actor_kind for each in (exported, asked, done)] == ["api_token", "user", "user"]
    assert {each.project_id for each in (exported, asked, done)} == {PROJECT}
    for each in (exported, asked, done):
        assert each.target_name == digest_of(each.target_id, ANN) != digest_of(each.target_id, "bob-1")
    folder.close()
    assert files_with(folder.path) == []


def test_more_jobs_than_a_project_may_have_waiting_are_refused_and_leave_no_trace(folder: Folder) -> None:
    jobs = Jobs(folder.server.meta)
    with folder.server.meta.together():
        for nth in range(MAX_QUEUED_JOBS - 1):
            jobs.add(PROJECT, "erase_person", f"person-{nth}", 0)
    last = folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
    with pytest.raises(Unavailable, match=f"{MAX_QUEUED_JOBS} jobs of this project wait already") as refused:
        folder.server.jobs.queue_erasure(OTHER, PROJECT, "bob-1")
    assert refused.value.retry_after_s == 60
    assert folder.server.jobs.queue_erasure(OTHER, PROJECT, ANN).id == last.id, "one that waits is no further job"
    assert [entry[:3] for entry in told(folder)] == [("person.erase", "u-1", last.id), ("person.erase", "t-2", last.id)]
    assert jobs.add("another", "erase_person", "bob-1", 0).state == "queued", "another project's queue is its own"
    folder.crash()


def test_a_job_that_has_to_wait_keeps_no_other_projects_job_waiting(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that nobody reaches, or a file that nobody may write to, is one project's; expiries of all stood behind it."""
    jobs, rows = folder.server.jobs, Jobs(folder.server.meta)
    stuck = jobs.queue_erasure(ASKER, PROJECT, ANN)
    later = jobs.queue_erasure(ASKER, PROJECT, "bob-1")
    other = rows.add("another", "erase_person", "carl", now_ms())
    done, tried = threading.Event(), []
    do = jobs.do

    def doing(job: Job) -> None:
        tried.append(job.id)
        if job.project_id == PROJECT:
            raise Unavailable("no bucket")
        do(job)
        done.set()

    monkeypatch.setattr(jobs, "do", doing)
    jobs.start()
    assert done.wait(WAIT_S)
    jobs.stop()
    assert rows.get("another", other.id).state == "done"
    assert [tried[0], tried[1]] == [stuck.id, other.id]
    assert later.id not in tried, "those of one project are done in their order"
    folder.crash()


def test_logins_that_have_ended_leave_the_disk_though_nobody_logs_in(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    server, looked = folder.server, threading.Event()
    user = server.users.create("ann@example.com", password_hash="h", now_ms=0)
    login = {"address": "192.0.2.1", "user_agent": "x"}
    server.people.login_sessions.create(user.id, secret_hash=b"h" * 32, now_ms=now_ms() - 2, lasts_ms=1, **login)
    forget = server.jobs._forget_old
    monkeypatch.setattr(server.jobs, "_forget_old", lambda: (forget(), looked.set()))
    server.jobs.start()
    assert looked.wait(WAIT_S)
    server.jobs.stop()
    assert server.meta.rows("select address from login_sessions") == []
    folder.crash()


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_a_job_whose_project_is_emptied_meanwhile_ends_with_it_quietly(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    erase_steps = folder.server.jobs._erasing.erase

    def and_empty(job: Job) -> None:
        erase_steps(job)
        delete_all_events(folder.server.meta, PROJECT)
        if error is not None:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(folder.server.jobs._erasing, "erase", and_empty)
        if error is None:
            erase(folder)
        else:
            job = folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
            with pytest.raises(ValueError, match="no"):
                folder.server.jobs.do(job)
            folder.server.jobs._fail(job)
    assert Jobs(folder.server.meta).next_one() is None
    assert [action for action, *_ in told(folder)] == ["person.erase"]
    assert "is done" not in caplog.text
    folder.crash()


def test_a_disk_that_refuses_the_trails_entry_refuses_the_erasure(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(folder.server.people.audit, "add", refuse)
        with pytest.raises(Unavailable):
            folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
        with pytest.raises(Unavailable):
            folder.server.jobs.trail.exported(ASKER, PROJECT, ANN)
    assert Jobs(folder.server.meta).page(PROJECT, 1 << 62, 10) == []
    folder.close()


def test_what_passes_by_itself_is_tried_again_less_and_less_often(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = folder.server.jobs
    pauses: list[float | None] = []
    is_full = [*[True] * 8, False, True, False]

    def remove(*arguments: object) -> bool:
        if is_full.pop(0):
            raise Unavailable("No space left on device")
        return rewrite(*arguments)

    def until_woken(seconds: float | None = None) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:  # done, and the next one comes
            jobs.queue_erasure(ASKER, PROJECT, "bob-1")
        elif len(pauses) == 11:
            has_ended.set()
            jobs._worker.pause(WAIT_S)

    has_ended = threading.Event()
    rewrite = jobs._erasing._rewriting.remove
    monkeypatch.setattr(jobs._erasing._rewriting, "remove", remove)
    monkeypatch.setattr(jobs._worker, "until_woken", until_woken)
    jobs.erase_person(ASKER, PROJECT, ANN)
    assert has_ended.wait(WAIT_S)
    folder.close()
    assert pauses[:8] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert pauses[9] == 5, "of the first try after a success"


def test_a_job_that_runs_as_the_server_ends_is_no_failure_and_is_gone_on_with(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = folder.server.jobs
    empty_log = jobs._erasing._empty_log
    has_begun = threading.Event()

    def at_the_end() -> list[str]:
        has_begun.set()
        while not jobs._worker.pause(WAIT_S):
            pass
        return empty_log()

    monkeypatch.setattr(jobs._erasing, "_empty_log", at_the_end)
    jobs.erase_person(ASKER, PROJECT, ANN)
    assert has_begun.wait(WAIT_S)
    folder.close()
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []
    again = Folder(folder.path)
    assert job_of(again).state == "running"
    again.server.jobs.run_all()
    assert (job_of(again).state, files_with(folder.path)) == ("done", [])
    again.close()


def test_a_file_that_is_being_written_anew_as_the_server_ends_is_left_to_the_next_start(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it takes: one of four million events takes longer than containers are given to end."""
    has_begun = threading.Event()

    def endless(cursor: Any, *_: object) -> None:
        has_begun.set()
        cursor.execute("select max(hash(a.i + b.i)) from range(100_000_000) a(i), range(100_000_000) b(i)")

    with monkeypatch.context() as patched:
        patched.setattr("sv.engine.duck.files.write_without", endless)
        folder.server.jobs.erase_person(ASKER, PROJECT, ANN)
        assert has_begun.wait(WAIT_S)
        folder.close()
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []
    again = Folder(folder.path)
    again.server.jobs.run_all()
    assert (job_of(again).state, files_with(folder.path)) == ("done", [])
    again.close()
