"""A chunk in the data folder: whole, once, and seen by every later query."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from imports_rig import FIREFOX, NOW, Folder, opened

from sv.model.errors import Unavailable
from sv.store import importing
from sv.store.importing import ImportBatch

IMPORT = "0" * 32
HOUR = 3_600_000
DAY = 24 * HOUR


def batch(*events: dict[str, Any], user_agent: str = "") -> ImportBatch:
    whole = [{"event": "view", "timestamp": NOW - DAY, "properties": {}, "userId": "ann"} | event for event in events]
    return ImportBatch(user_agent, len(whole), json.dumps(whole).encode())


def files_of(folder: Folder, project: str) -> list[Path]:
    return [path for path in folder.server.settings.data.glob(f"events/project={project}/**/*") if path.is_file()]


def event_id(nth: int) -> str:
    return f"0193a1e0-0000-7000-8000-{nth:012x}"


def test_a_chunk_is_taken_once(folder: Folder, project: str) -> None:
    assert folder.chunks.taken(project, IMPORT) == set()
    assert folder.chunks.store(project, IMPORT, 5, [batch({}, {})]) == 2
    assert folder.chunks.store(project, IMPORT, 5, [batch({}, {}, {})]) is None
    assert folder.chunks.store(project, IMPORT, 7, [batch({})]) == 1
    assert folder.chunks.taken(project, IMPORT) == {5, 7}
    assert len(folder.events(project)) == 3


def test_a_chunk_asks_for_itself_alone_however_many_are_in(folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chunks.store(project, IMPORT, 5, [])
    monkeypatch.delattr(type(folder.server.parts), "import_chunks")
    assert folder.chunks.store(project, IMPORT, 5, [batch({})]) is None
    assert folder.chunks.store(project, IMPORT, 6, [batch({})]) == 1


def test_a_chunk_without_events_is_marked_too(folder: Folder, project: str) -> None:
    assert folder.chunks.store(project, IMPORT, 5, []) == 0
    assert folder.chunks.store(project, IMPORT, 5, [batch({})]) is None
    assert folder.events(project) == []


def test_the_same_import_of_another_project_is_another_import(folder: Folder, project: str) -> None:
    other = folder.new_project()
    assert folder.chunks.store(project, IMPORT, 5, [batch({"userId": "ann"})]) == 1
    assert folder.chunks.taken(other, IMPORT) == set()
    assert folder.chunks.store(other, IMPORT, 5, [batch({"userId": "bob"})]) == 1
    assert [event["user_id"] for event in folder.events(project)] == ["ann"]
    assert [event["user_id"] for event in folder.events(other)] == ["bob"]


def test_events_are_enriched_from_the_user_agent_of_their_batch(folder: Folder, project: str) -> None:
    url = {"properties": {"$current_url": "https://shop.example/a/?utm_source=news"}}
    folder.chunks.store(project, IMPORT, 2, [batch(url, user_agent=FIREFOX), batch({"event": "bot"}, user_agent="Googlebot/2.1")])
    rows = {row["event"]: row for row in folder.events(project)}
    assert (rows["view"]["browser"], rows["view"]["os"], rows["view"]["utm_source"]) == ("Firefox", "Linux", "news")
    assert rows["view"]["url_path"] == "/a"
    assert rows["bot"]["is_bot"] is True


def test_every_event_has_an_id_of_its_own_that_tells_its_time(folder: Folder, project: str) -> None:
    for chunk_no in (1, 2):
        folder.chunks.store(project, IMPORT, chunk_no, [batch(*[{}] * 50, user_agent=f"agent {nth}") for nth in range(40)])
    folder.accept(project, [{"event": "view", "timestamp": NOW - DAY, "userId": "ann"}] * 50)
    folder.server.maintenance.flush()
    ids = [row["id"] for row in folder.events(project)]
    assert len(set(ids)) == len(ids) == 4050
    assert {int(text.replace("-", "")[:12], 16) for text in ids} == {NOW - DAY}
    assert {text[14] for text in ids} == {"7"}
    assert sum(int(text[15:18], 16) >= 2048 for text in ids) == 4000, "the top bit of the sequence is the imports'"


def test_a_batch_with_more_events_than_an_id_has_places_for_is_refused(folder: Folder, project: str) -> None:
    with pytest.raises(ValueError, match="2048"):
        folder.chunks.store(project, IMPORT, 1, [batch(*[{}] * 2049)])
    assert folder.chunks.store(project, IMPORT, 1, [batch(*[{}] * 2048)]) == 2048


def test_persons_are_those_of_ingest(folder: Folder, project: str) -> None:
    folder.accept(project, [{"event": "live", "timestamp": NOW, "userId": "ann"}])
    folder.chunks.store(project, IMPORT, 1, [batch({"userId": "ann"}, {"userId": "bob"})])
    folder.server.maintenance.flush()
    persons = {(row["distinct_id"], row["person"]) for row in folder.events(project)}
    assert len(persons) == 2


def test_days_with_many_rows_have_their_own_file_and_the_others_share_one(
    folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "DAY_FILE_ROWS", 10)
    days = [batch(*[{"timestamp": NOW - nth * DAY}] * (20 if nth < 2 else 3)) for nth in range(30)]
    folder.chunks.store(project, IMPORT, 1, days)
    parts = folder.server.catalog.parts(project)
    assert sorted((part.day or "mixed", part.rows) for part in parts) == [("2025-10-08", 20), ("2025-10-09", 20), ("mixed", 84)]
    assert all(f"/day={part.day or 'mixed'}/import-" in part.path for part in parts)
    folder.chunks.store(project, IMPORT, 2, [batch({"timestamp": NOW - 60 * DAY})])
    assert folder.server.catalog.parts(project)[-1].day == "2025-08-10"


@pytest.mark.parametrize("slice_bytes", [1, 1 << 30])
def test_an_event_id_is_stored_once_within_a_chunk_among_chunks_and_with_ingest(
    folder: Folder, project: str, slice_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_SLICE_BYTES", slice_bytes)
    live = {"timestamp": NOW, "userId": "ann"}
    folder.accept(project, [{"event": "live", "eventId": event_id(1), **live}])
    folder.server.store.catch_up()
    first = [batch({"eventId": event_id(nth)}) for nth in (1, 2, 3, 2)]
    assert folder.chunks.store(project, IMPORT, 1, first) == 2
    assert folder.chunks.store(project, IMPORT, 2, [batch({"eventId": event_id(3)}, {"eventId": event_id(4)})]) == 1
    folder.accept(project, [{"event": "late", "eventId": event_id(4), **live}])
    folder.server.maintenance.flush()
    assert sorted(row["client_event_id"] for row in folder.events(project)) == [event_id(nth) for nth in (1, 2, 3, 4)]


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 3, 2)])
def test_chunks_that_are_written_beside_each_other_store_an_event_id_once(
    folder: Folder, project: str, order: tuple[int, ...]
) -> None:
    chunks = {
        1: [batch({"eventId": event_id(1)}, {"eventId": event_id(2)})],
        2: [batch({"eventId": event_id(2)}, {"eventId": event_id(3)}), batch({"event": "of no id"})],
        3: [batch({"eventId": event_id(3)})],
    }
    writes = {number: folder.chunks.begin(project, IMPORT, number, batches) for number, batches in chunks.items()}
    commits = {number: write() for number, write in writes.items()}
    assert folder.events(project) == []
    stored = {number: commits[number]() for number in order}
    assert sorted((row["client_event_id"] or "") for row in folder.events(project)) == ["", *map(event_id, (1, 2, 3))]
    assert stored == ({1: 2, 2: 2, 3: 0} if order == (1, 2, 3) else {1: 2, 3: 1, 2: 1})
    paths = {part.path for part in folder.server.catalog.parts(project)}
    files = folder.server.settings.data.glob(f"events/project={project}/**/*")
    assert {str(path.relative_to(folder.server.settings.data)) for path in files if path.is_file()} == paths


def test_a_chunk_is_drained_anew_at_its_commit_while_the_next_is_drained(
    folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = folder.chunks.begin(project, IMPORT, 1, [batch({"eventId": event_id(1)}, {"eventId": event_id(2)})])()
    folder.accept(project, [{"event": "live", "eventId": event_id(1), "timestamp": NOW, "userId": "ann"}])
    folder.server.store.catch_up()
    drain, drains, is_anew = folder.server.store.tables.drain, threading.Semaphore(0), threading.Event()

    def together(generation: int, batches: Any, **options: Any) -> int:
        drains.release()
        if threading.current_thread() is threading.main_thread():
            is_anew.set()
        assert is_anew.wait(60)
        return drain(generation, batches, **options)

    monkeypatch.setattr(folder.server.store.tables, "drain", together)
    with ThreadPoolExecutor(1) as beside:
        following = beside.submit(folder.chunks.begin, project, IMPORT, 2, [batch({"eventId": event_id(2)}, {})])
        assert drains.acquire(timeout=60)
        assert commit() == 1
        assert following.result()()() == 1
    folder.server.maintenance.flush()
    assert sorted((row["client_event_id"] or "") for row in folder.events(project)) == ["", event_id(1), event_id(2)]


def test_what_was_written_and_is_not_committed_goes_when_it_is_abandoned(folder: Folder, project: str) -> None:
    folder.chunks.store(project, IMPORT, 1, [batch({"eventId": event_id(1)})])
    write = folder.chunks.begin(project, IMPORT, 2, [batch({"eventId": event_id(2)}, {})])
    write()
    assert len(files_of(folder, project)) == 2
    folder.chunks.abandon()
    assert [str(path.relative_to(folder.server.settings.data)) for path in files_of(folder, project)] == folder.parts(project)
    assert folder.chunks.store(project, IMPORT, 2, [batch({"eventId": event_id(2)}, {})]) == 2
    folder.chunks.abandon()
    assert len(folder.events(project)) == 3


def fail_at(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, *, nth: int = 1, after: bool = False) -> None:
    """Let the n-th call of a function fail, before or after it has done its work."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def failing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        result = original(*args, **kwargs) if after or calls != nth else None
        if calls == nth:
            raise Unavailable("the disk refuses")
        return result

    monkeypatch.setattr(owner, name, failing)


STEPS = [
    ("create_buffer", 1),
    ("drain", 1),
    ("drain", 2),
    ("buffer_groups", 1),
    ("write_buffer_days", 1),
    ("write_buffer_days", 2),
    ("summarise", 1),
    ("commit", 1),
]


@pytest.mark.parametrize(
    ("step", "nth", "after", "is_alone"),
    [
        (step, nth, after, is_alone)
        for after, is_alone in ((False, False), (True, False), (True, True))
        for step, nth in STEPS
        if step != "commit" or after == is_alone  # a commit fails before its work alone
    ],
)
def test_a_chunk_that_fails_at_any_step_stores_nothing_and_succeeds_when_sent_again(
    folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch, step: str, nth: int, after: bool, is_alone: bool
) -> None:
    server, chunks = folder.server, folder.chunks
    monkeypatch.setattr(chunks, "_is_alone", is_alone)
    monkeypatch.setattr(importing, "DAY_FILE_ROWS", 1)
    monkeypatch.setattr(importing, "MAX_SLICE_BYTES", 1)
    batches = [batch({"eventId": event_id(nth), "timestamp": NOW - nth * DAY}) for nth in range(3)]
    owner, name = (server.parts, "add_import_chunk") if step == "commit" else (server.store.tables, step)
    with monkeypatch.context() as patch:
        fail_at(owner, name, patch, nth=nth, after=after and step != "commit")
        with pytest.raises(Unavailable):
            chunks.store(project, IMPORT, 1, batches)
    assert folder.events(project) == []
    assert len(files_of(folder, project)) == (3 if step == "commit" else 0), "those of a commit in doubt stay alone"
    assert chunks.taken(project, IMPORT) == set()
    assert chunks.store(project, IMPORT, 1, batches) == 3
    assert len(folder.events(project)) == 3
    assert len(files_of(folder, project)) == 3, "what the failed try wrote is gone"


def test_a_commit_that_failed_after_all_leaves_its_files_as_they_were_until_another_succeeds(
    folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_at(folder.server.parts, "add_import_chunk", patch)
        with pytest.raises(Unavailable):
            folder.chunks.store(project, IMPORT, 1, [batch({})])
    data = folder.server.settings.data
    (doubtful,) = data.glob(f"events/project={project}/**/*.parquet")
    before = doubtful.read_bytes()
    seen: list[bytes] = []
    add = folder.server.parts.add_import_chunk

    def look(*args: Any) -> Any:
        seen.append(doubtful.read_bytes())
        return add(*args)

    monkeypatch.setattr(folder.server.parts, "add_import_chunk", look)
    assert folder.chunks.store(project, IMPORT, 1, [batch({})]) == 1
    assert seen == [before]
    assert not doubtful.exists()


def test_a_file_that_a_killed_run_left_is_written_over(folder: Folder, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chunks.store(project, IMPORT, 1, [batch({})])
    (path,) = folder.parts(project)
    other = folder.new_project()
    key = importing._key(other, IMPORT)  # pyright: ignore[reportPrivateUsage]
    left = folder.server.settings.data / path.replace(f"project={project}", f"project={other}")
    left = left.with_name(f"import-{key}-1-0.parquet")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    assert folder.chunks.store(other, IMPORT, 1, [batch({})]) == 1
    assert [event["user_id"] for event in folder.events(other)] == ["ann"]


def test_an_import_can_be_done_anew_after_its_events_were_deleted_while_a_query_still_reads_them(tmp_path: Path) -> None:
    from sv.meta.reset import delete_all_events

    with opened(tmp_path / "data") as own:
        project = own.new_project()
        own.chunks.store(project, IMPORT, 1, [batch({"userId": "old"})])
        with own.server.store.snapshot(project, 0, 2**60) as snapshot:
            own.server.maintenance.reset(lambda covered: delete_all_events(own.server.meta, covered_seq=covered))
            assert own.chunks.store(project, IMPORT, 1, [batch({"userId": "new"})]) == 1
            old_path = own.server.settings.data / snapshot.parts[0].path
            assert b"old" in old_path.read_bytes()
        own.server.maintenance.compact()
        assert [event["user_id"] for event in own.events(project)] == ["new"]
        assert not old_path.exists()


def test_a_query_sees_all_of_a_chunk_or_nothing(folder: Folder, project: str) -> None:
    counts: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            with folder.server.store.snapshot(project, 0, 2**60) as snapshot:
                counts.add(sum(part.rows for part in snapshot.parts))
                assert snapshot.buffers == ()

    watcher = threading.Thread(target=watch)
    watcher.start()
    for chunk_no in range(1, 6):
        folder.chunks.store(project, IMPORT, chunk_no, [batch(*[{"timestamp": NOW - nth * DAY} for nth in range(100)])])
        with folder.server.store.snapshot(project, 0, 2**60) as snapshot:
            assert sum(part.rows for part in snapshot.parts) == 100 * chunk_no
    done.set()
    watcher.join()
    assert counts <= {0, 100, 200, 300, 400, 500}


def test_imports_flushes_compaction_and_ingest_go_on_side_by_side(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as own:
        project = own.new_project()
        faults: list[BaseException] = []

        def run(work: Callable[[int], object]) -> threading.Thread:
            def steps() -> None:
                try:
                    for nth in range(1, 21):
                        work(nth)
                except BaseException as error:
                    faults.append(error)

            thread = threading.Thread(target=steps)
            thread.start()
            return thread

        live = {"event": "live", "timestamp": NOW, "userId": "bob"}
        threads = [
            run(lambda nth: own.chunks.store(project, "a" * 32, nth, [batch(*[{"eventId": event_id(nth)}] * 5)])),
            run(lambda nth: own.chunks.store(project, "b" * 32, nth, [batch(*[{}] * 5)])),
            run(lambda _: (own.accept(project, [live] * 5), own.server.store.catch_up())),
            run(lambda _: (own.server.maintenance.flush(), own.server.maintenance.compact(everything=True))),
        ]
        for thread in threads:
            thread.join()
        assert faults == []
        own.server.maintenance.flush()
        assert len(own.events(project)) == 20 + 100 + 100
