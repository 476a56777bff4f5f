"""A person is erased: nothing of them is in any file of the data folder, all of the others' is, and a crash only delays it."""

import contextlib
import threading
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from crash_rig import numbers_in_files
from erase_rig import ANN, ANNS_MARKS, ASKER, BOBS_MARKS, DAY_MS, erase, event, files_with, fill, jobs_of, listed, put
from folder_rig import PROJECT, Folder, now_ms
from steps_rig import MOST_STEPS, SEED, Killed, Steps, watch

from sv.meta.rollups.merged_persons import MergedPersons
from sv.model.errors import NotFound, Unavailable
from sv.model.persons import PersonFilter
from sv.recordings.request import UploadRequest
from sv.wal.fault import LogFault
from tests import chance

BOBS = Counter(f"bob{nth}" for nth in range(12))


def check_erased(folder: Folder) -> None:
    """The person is in no file and no list; whoever else was there is there whole."""
    assert files_with(folder.path) == []
    assert folder.numbers() == BOBS
    assert listed(folder) == {"bob-1": 12}
    folder.close()
    assert files_with(folder.path) == []
    assert numbers_in_files(folder.path) == BOBS
    for mark in BOBS_MARKS:
        assert files_with(folder.path, (mark,)), mark


@pytest.mark.parametrize("state", ["files and log", "all merged", "all in the buffer", "after a restart"])
def test_nothing_of_an_erased_person_is_in_any_file(tmp_path: Path, state: str) -> None:
    if state == "all in the buffer":
        folder = Folder(tmp_path / "data")
        for nth in range(12):
            put(folder, event(ANN, "ann", nth, now_ms()), event("bob-1", "bob", nth, now_ms()))
    else:
        folder = fill(tmp_path / "data")
    if state == "all merged":
        folder.flush()
        folder.merge()
    if state == "after a restart":
        folder.crash()
        folder = Folder(folder.path)
    for mark in ANNS_MARKS:
        assert files_with(folder.path, (mark,)), mark
    erase(folder)
    (job,) = jobs_of(folder)
    assert (job.state, job.events_removed, job.subject, job.left_behind) == ("done", 12, None, ())
    assert job.files_done == job.files_total > 0
    assert job.subject_hash is not None
    check_erased(folder)


def test_a_chunk_of_a_recording_that_can_not_be_deleted_is_named_and_keeps_no_event(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    recordings = folder.server.recordings.recordings
    keys = []
    for index in range(2):
        asked = UploadRequest(project_token="", session_id="s-9", chunk_index=index, size=3, anonymous_id=None, user_id=ANN)
        keys.append(key := recordings.promise(PROJECT, asked, "http://here").key)
        recordings.store(key, 3, lambda key=key: (folder.path / "objects" / key).mkdir(parents=True))  # a folder is no file
    (folder.path / "objects" / keys[1]).rmdir()
    erase(folder)
    (job,) = jobs_of(folder)
    assert (job.state, job.events_removed, job.left_behind) == ("done", 12, (keys[0],))
    check_erased(folder)
    (folder.path / "objects" / keys[0]).rmdir()


def test_an_event_id_that_went_with_its_event_is_a_new_events_and_stays_that_after_a_crash(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("1", "2", with_ids=True, user=ANN)
    folder.put("3", with_ids=True, user="bob")
    folder.flush()
    erase(folder)
    assert folder.numbers() == Counter("3")
    for _ in range(2):
        folder.put("1", "3", with_ids=True, user="cyd")
    assert folder.numbers() == Counter("13")
    assert listed(folder) == {"bob": 1, "cyd": 1}
    folder.crash()
    folder = Folder(folder.path)
    assert folder.numbers() == Counter("13")
    assert listed(folder) == {"bob": 1, "cyd": 1}
    folder.put("1", "2", "3", with_ids=True, user="cyd")
    assert folder.numbers() == Counter("123")
    folder.close()


def test_what_a_person_sends_after_the_job_began_is_a_new_persons(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    erase(folder)
    put(folder, event(ANN, "new", 1, now_ms()))
    assert folder.numbers() == BOBS + Counter(["new1"])
    assert listed(folder) == {"bob-1": 12, ANN: 1}
    erase(folder)
    assert [job.events_removed for job in jobs_of(folder)] == [1, 12]
    check_erased(folder)


@pytest.mark.parametrize("named", [ANN, "visitor-quokka", "5b0c1c3e-8f0d-4c57-a1c8-3f6f0b1d2e3a"])
def test_all_ids_of_a_merged_person_go_whichever_is_named(tmp_path: Path, named: str) -> None:
    """One of them is a UUID, which is kept in another form, and one came beside the user's id alone."""
    folder = fill(tmp_path / "data")
    folder.server.projects.update(PROJECT, settings=b'{"identity":"merged"}')
    visitors = ("visitor-quokka", "5b0c1c3e-8f0d-4c57-a1c8-3f6f0b1d2e3a", "never-alone-quokka")
    for nth, visitor in enumerate(visitors):
        both = event(ANN, "both", nth, now_ms()) | {"anonymousId": visitor}
        alone = event(ANN, "alone", nth, now_ms() - DAY_MS) | {"anonymousId": visitor}
        del alone["userId"]
        put(folder, both, *([alone] if nth < 2 else []))
    assert all(files_with(folder.path, (visitor.encode(),)) for visitor in visitors)
    folder.server.jobs.queue_erasure(ASKER, PROJECT, named)
    folder.server.jobs.run_all()
    (job,) = jobs_of(folder)
    assert (job.state, job.events_removed, job.subject, job.distinct_ids) == ("done", 12 + 3 + 2, None, None)
    for mark in (*(visitor.encode() for visitor in visitors), UUID(visitors[1]).bytes):
        assert files_with(folder.path, (mark,)) == [], mark
    check_erased(folder)


def shared_device(path: Path) -> Folder:
    """A device on which ann logs in, and then bob, who has another one as well."""
    folder = Folder(path)
    folder.server.projects.update(PROJECT, settings=b'{"identity":"merged"}')
    logins = [{"userId": "ann", "anonymousId": "device"}, {"userId": "bob", "anonymousId": "device"}]
    others = [{"anonymousId": "device"}, {"userId": "bob"}, {"userId": "bob", "anonymousId": "phone"}, {"anonymousId": "phone"}]
    for nth, who in enumerate([*logins, *others]):
        put(folder, {"event": "e", "timestamp": now_ms() + nth, "properties": {"n": f"e{nth}"}, **who})
    return folder


def test_a_visitor_is_whom_it_was_when_the_erasure_was_asked_for(tmp_path: Path) -> None:
    folder = shared_device(tmp_path / "data")
    jobs = folder.server.jobs
    asked = [jobs.queue_erasure(ASKER, PROJECT, named) for named in ("ann", "device", "ann", "device")]
    assert len({job.id for job in asked}) == 1, "all mean ann"
    jobs.run_all()
    assert merged(folder) == {"bob": 4}
    folder.close()


def test_an_erasure_that_waits_does_not_come_to_mean_a_user_who_logs_in_meanwhile(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.server.projects.update(PROJECT, settings=b'{"identity":"merged"}')
    put(folder, {"event": "e", "timestamp": now_ms(), "properties": {"n": "v"}, "anonymousId": "visitor"})
    put(folder, {"event": "e", "timestamp": now_ms(), "properties": {"n": "b"}, "userId": "bob"})
    folder.server.jobs.queue_erasure(ASKER, PROJECT, "visitor")
    put(folder, {"event": "e", "timestamp": now_ms(), "properties": {"n": "c"}, "userId": "bob", "anonymousId": "visitor"})
    folder.server.jobs.run_all()
    assert folder.numbers() == Counter("bc")
    assert merged(folder) == {"bob": 2}
    folder.close()


def merged(folder: Folder) -> dict[str, int]:
    """As `listed`, where identity is merged."""
    folder.server.rollups.catch_up()
    persons = MergedPersons(folder.server.meta, folder.server.builds).page(PROJECT, PersonFilter(), 1 << 62, 100)
    return {person.distinct_id: person.event_count for person in persons}


@pytest.mark.parametrize("is_flushed", [False, True])
def test_a_visitor_is_whose_the_events_that_are_left_say_also_right_after_an_erasure(tmp_path: Path, is_flushed: bool) -> None:
    folder = Folder(tmp_path / "data")
    folder.server.projects.update(PROJECT, settings=b'{"identity":"merged"}')
    put(folder, event("u0", "both", 1, now_ms()) | {"anonymousId": "a"}, event("u2", "both", 2, now_ms()) | {"anonymousId": "a"})
    put(folder, event("z", "other", 3, now_ms()))
    erase(folder, "u0")
    assert merged(folder) == {"u2": 1, "z": 1}
    alone = event("", "alone", 5, now_ms()) | {"anonymousId": "a"}
    del alone["userId"]
    put(folder, alone)
    if is_flushed:
        folder.flush()
    assert merged(folder) == {"u2": 2, "z": 1}
    erase(folder, "z")
    assert merged(folder) == {"u2": 2}
    put(folder, event("u0", "both", 9, now_ms()) | {"anonymousId": "a"})
    assert merged(folder) == {"u2": 2, "u0": 1}


def test_a_person_that_is_not_there_has_no_job(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    with pytest.raises(NotFound, match="nobody"):
        folder.server.jobs.queue_erasure(ASKER, PROJECT, "nobody")
    with pytest.raises(NotFound):
        folder.server.jobs.queue_erasure(ASKER, "other", ANN)
    first = folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
    assert folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN).id == first.id, "asked twice, done once"
    folder.server.jobs.run_all()
    with pytest.raises(NotFound):
        folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
    folder.close()


def test_files_that_were_set_aside_lose_the_person_too_and_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    folder.flush()
    sources = [folder.path / part.path for part in folder.server.catalog.parts()]
    aside = folder.path / "aside"
    aside.mkdir(exist_ok=True)
    (aside / "events__project=dev__day=2025-01-01__merge-1.parquet").write_bytes(sources[0].read_bytes())
    (aside / "events__project=dev__day=mixed__merge-2.parquet.1").write_bytes(b"PAR1 and then nothing")
    (aside / "batch-0000000000000001-dev.json").write_bytes(
        b'[{"event":"x","userId":"%b"},{"event":"x","userId":"bob-1"}]' % ANN.encode()
    )
    erase(folder)
    (job,) = jobs_of(folder)
    assert job.left_behind == ("aside/events__project=dev__day=mixed__merge-2.parquet.1",)
    assert (aside / "batch-0000000000000001-dev.json").read_bytes() == b'[{"event":"x","userId":"bob-1"}]'
    assert files_with(aside, (b"bobPropertyMark",)), "the other's rows are still there"
    check_erased(folder)


def test_a_person_is_erased_while_four_writers_go_on(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    written: Counter[str] = Counter()
    lock = threading.Lock()

    def write(who: str) -> None:
        for nth in range(1, 61):
            with lock:  # `store_now` is for one thread at a time; it is the flushes and queries that it runs beside
                put(folder, event(f"{who}@example.com", who, nth, now_ms() - nth % 2 * DAY_MS))
            written[f"{who}{nth}"] += 1
            if nth % 20 == 0:
                folder.flush()

    writers = [threading.Thread(target=write, args=(who,)) for who in ("carl", "dora", "emil", "fay")]
    for writer in writers:
        writer.start()
    try:
        erase(folder)
    finally:
        for writer in writers:
            writer.join()
    assert files_with(folder.path) == []
    assert folder.numbers() == BOBS + written
    folder.close()
    assert files_with(folder.path) == []
    assert numbers_in_files(folder.path) == BOBS + written


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of both persons, and the rest in the log."""
    path = tmp_path_factory.mktemp("erasing") / "killed"
    folder = Folder(path)
    put(folder, event(ANN, "ann", 0, now_ms()), *(event("bob-1", "bob", nth, now_ms()) for nth in range(10)))
    folder.flush()
    put(folder, event(ANN, "ann", 1, now_ms()), event("bob-1", "bob", 10, now_ms()), event("bob-1", "bob", 11, now_ms()))
    folder.crash()
    return path


def watch_all(steps: Steps, folder: Folder, patch: pytest.MonkeyPatch) -> None:
    """The steps of files and of the catalog, and every transaction of the metadata."""
    watch(steps, folder, patch)
    meta = folder.server.meta
    transaction = meta.transaction

    @contextlib.contextmanager
    def counted(*, durable: bool = True):  # type: ignore[no-untyped-def]
        with transaction(durable=durable) as writer:
            yield writer
            steps.around("transaction", lambda: None, Unavailable("the disk refuses"))()

    patch.setattr(meta, "transaction", counted)
    for name in ("renew", "truncate_below"):
        log = folder.server.log
        patch.setattr(log, name, steps.around(name, getattr(log, name), Unavailable("the disk refuses")))


@pytest.mark.parametrize(("strikes", "every"), [("kill", 11), ("before", 19)])
def test_whichever_step_is_the_last_before_a_crash_the_next_start_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: Path, strikes: str, every: int
) -> None:
    print(f"SV_CRASH_SEED={SEED}")
    every = round(every / chance.examples(1)) or 1
    for last in range(1 + SEED % every, MOST_STEPS, every):
        folder = Folder.like(killed, tmp_path / str(last))
        folder.server.jobs.queue_erasure(ASKER, PROJECT, ANN)
        steps = Steps(last, strikes)
        with monkeypatch.context() as patch:
            watch_all(steps, folder, patch)
            with contextlib.suppress(Killed, Unavailable, OSError, LogFault):
                folder.server.jobs.run_all()
        folder.crash()
        folder = Folder(folder.path)
        folder.server.jobs.run_all()
        (job,) = jobs_of(folder)
        assert (job.state, job.events_removed) == ("done", 2), (last, steps.taken)
        check_erased(folder)
        if not steps.has_struck:
            assert len(steps.taken) > 25, steps.taken
            return
    pytest.fail("the steps never end")
