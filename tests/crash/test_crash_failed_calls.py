"""System calls that fail under a running server: what was refused is gone, what was acknowledged stays, and the next try succeeds."""

from collections import Counter
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import Server, dated, files_aside, identified, numbers_in_files, temporary_files, wait_for
from fault_rig import Injection, injected

FLUSHING = {"SV_FLUSH_SECONDS": "0.3"}


def send_each(server: Server, prefix: str, count: int) -> tuple[list[str], list[str]]:
    """One event a request, never sent again. Returns the numbers acknowledged and those refused."""
    acknowledged: list[str] = []
    refused: list[str] = []
    for number in (f"{prefix}{place}" for place in range(count)):
        status, headers, content = server.send(dated(number))
        assert status in (202, 503), content
        if status == 503:
            assert headers["retry-after"]
            assert "log can't be written" in content["error"]
        (acknowledged if status == 202 else refused).append(number)
    return acknowledged, refused


@pytest.mark.parametrize(
    "rule",
    [
        "fdatasync:error=EIO:when=1",
        "fdatasync:error=EIO:when=2..4",
        "fdatasync:error=ENOSPC:when=3+2",
        "pwritev,pwritev2:error=EIO:when=1..2",
        "pwritev,pwritev2:retval=40:when=2",  # a short write
        "pwritev,pwritev2:error=ENOSPC:when=1+3",
    ],
)
def test_a_group_whose_write_or_sync_fails_is_refused_and_the_next_is_not(serve: Serve, tmp_path: Path, rule: str) -> None:
    server = serve().start()
    acknowledged, _ = send_each(server, "before", 3)
    with injected(server, tmp_path / "calls", [rule]) as injection:
        more, refused = send_each(server, "during", 10)
        acknowledged += more
    assert injection.hits_on("/log/") >= 1
    assert refused, "no request met the fault"
    assert more, "a fault that passes is no end"
    wait_for(lambda: server.health()[0] == 200, "the log to be written again")
    after, refused_after = send_each(server, "after", 3)
    assert refused_after == []
    acknowledged += after
    assert server.numbers() == Counter(acknowledged)
    server.kill()
    server.start()
    assert server.numbers() == Counter(acknowledged), "a refused one would come back, or an acknowledged one is lost"


def test_a_body_that_was_refused_is_stored_once_when_it_is_sent_again_over_a_crash(serve: Serve, tmp_path: Path) -> None:
    """The failed group may be in the log's file, and is brought back if the process dies right then: its repetition is one too many."""
    server = serve().start()
    server.store(dated("before"))
    body, other = dated("refused"), identified("refused by id")
    with injected(server, tmp_path / "calls", ["fdatasync:error=EIO"]) as injection:
        assert server.send(body)[0] == 503
        assert server.send(other)[0] == 503
        server.kill()
    assert injection.hits_on("/log/") >= 1
    server.start()
    server.store(body)
    server.store(other)
    assert server.numbers() == Counter(["before", "refused", "refused by id"])
    server.kill()
    server.start()
    assert server.numbers() == Counter(["before", "refused", "refused by id"])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("fsync", "ENOSPC"),
        ("fsync", "EIO"),
        ("rename", "ENOSPC"),
        ("pwrite64", "ENOSPC"),
        ("fdatasync", "EIO"),
        ("openat", "EMFILE"),
    ],
)
def test_a_flush_that_fails_is_tried_again_and_reading_goes_on(serve: Serve, tmp_path: Path, call: str, error: str) -> None:
    server = serve(**FLUSHING).start()
    server.store(dated("first"))
    wait_for(lambda: len(numbers_in_files(server.folder)) == 1, "the first flush")
    folder = server.folder / "events" / "project=dev"
    flushed = [path for day in folder.iterdir() for path in day.iterdir()]
    assert len(flushed) == 1
    # The next flush covers log position 2, which its file's name says.
    part = flushed[0].with_name("flush-0000000000000002-0.parquet")
    files = [part, part.with_name(part.name + ".tmp"), part.parent, server.folder / "sv.db-wal", server.folder / "retries"]
    # A reader's own openings of the finished file would fail too, each thread's first two, and be answered so.
    ends = {"fdatasync": "sv.db-wal", "openat": ".tmp"}.get(call, "")
    on = [path for path in files if path.name.endswith(ends)]
    with injected(server, tmp_path / "calls", [f"{call}:error={error}:when=1..2"], on) as injection:
        server.store(dated("second"))
        wait_for(lambda: len(injection.hits) > 0, "the flush to meet the fault")
        for _ in range(3):
            assert server.numbers() == Counter(["first", "second"])
        server.store(dated("third"))
        assert server.numbers() == Counter(["first", "second", "third"])
    # Only now: the calls that fail are counted for each thread, and the engine writes with as many as it likes, so that how many tries
    # meet the fault, with growing pauses between them, is chance.
    wait_for(lambda: server.metric("sv_events_held") == 0, "the flush to be tried again")
    assert server.health()[0] == 200
    assert server.numbers() == Counter(["first", "second", "third"])
    assert "Traceback" not in server.log
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == Counter(["first", "second", "third"])
    assert temporary_files(server.folder) == []
    assert files_aside(server.folder) == []


@pytest.mark.parametrize("call", ["fsync", "rename", "fdatasync"])
def test_a_kill_right_after_a_flush_failed_loses_and_doubles_nothing(serve: Serve, tmp_path: Path, call: str) -> None:
    server = serve(**FLUSHING).start()
    sent = [f"{number}" for number in range(5)]
    with injected(server, tmp_path / "calls", [f"{call}:error=EIO:when=2+"], []) as injection:
        for number in sent:
            status, _, _ = server.send(dated(number))
            if status != 202:
                sent = sent[: sent.index(number)]
                break
        wait_for(lambda: len(injection.hits) > 2, "the flush to meet the fault")
        server.kill()
    server.start()
    assert server.numbers() >= Counter(sent)
    assert set(server.numbers().values()) <= {1}
    assert server.stop() == 0
    assert numbers_in_files(server.folder) >= Counter(sent)
    assert set(numbers_in_files(server.folder).values()) <= {1}


def test_a_failed_call_counts_for_its_file_though_another_threads_call_began_meanwhile(tmp_path: Path) -> None:
    trace = tmp_path / "calls"
    trace.write_text(
        "19 fdatasync(3</data/spare.tmp>)      = -1 EIO (Input/output error) (INJECTED)\n"
        "20 fdatasync(4</data/log/1.wal> <unfinished ...>\n"
        "19 fdatasync(3</data/spare.tmp> <unfinished ...>\n"
        "20 <... fdatasync resumed>)          = -1 EIO (Input/output error) (INJECTED)\n"
        "19 <... fdatasync resumed>)          = 0\n"
    )
    injection = Injection(trace)
    assert len(injection.hits) == 2
    assert (injection.hits_on("/log/"), injection.hits_on("spare")) == (1, 1)
