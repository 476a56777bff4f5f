"""What queries may take of the machine: the processor after ingest, and memory up to the ceiling."""

import os
from pathlib import Path

import pytest
from heavy_rig import asking, eventually, heavy_server, in_line, question
from http_rig import Api, event

MIB = 1 << 20
LIMIT_MIB = 128
BESIDE_MIB = 320
"""Python, the engine's and Arrow's own code, and what the C library keeps of what was given back."""

TICKS = 20


def work_of(pid: int) -> dict[int, tuple[int, int]]:
    """(ticks on a processor, niceness) of each thread."""
    found: dict[int, tuple[int, int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        found[int(task.name)] = (int(fields[11]) + int(fields[12]), int(fields[16]))
    return found


@pytest.mark.parametrize("name", ["forever", "arithmetic"])
def test_whatever_works_for_a_query_gives_way_to_ingest(name: str) -> None:
    if not Path("/proc/self/task").is_dir():
        return  # elsewhere threads have no niceness of their own
    with heavy_server() as server, Api(server) as api:
        api.send(event("view"))
        assert api.trends(**question("view"))["series"][0]["total"] == 1  # the engine is there, and all that it imports
        before = work_of(server.process.pid)

        def workers() -> dict[int, int]:
            """The niceness of those that have worked since then, the event loop aside, which answers this test."""
            return {
                task: niceness
                for task, (ticks, niceness) in work_of(server.process.pid).items()
                if task != server.process.pid and ticks - before.get(task, (0, 0))[0] >= TICKS
            }

        with asking(api, question(name)):
            eventually(lambda: in_line(api)[0] == 1)
            eventually(lambda: bool(workers()))
            assert set(workers().values()) == {19}
            assert work_of(server.process.pid)[server.process.pid][1] == os.getpriority(os.PRIO_PROCESS, 0)


def test_the_thread_that_writes_files_gives_way_to_ingest_and_goes_before_questions(tmp_path: Path) -> None:
    if not Path("/proc/self/task").is_dir():
        return
    with heavy_server(data=tmp_path) as server:
        # Where the engine is there by then, its threads have 19.
        assert [niceness for _, niceness in work_of(server.process.pid).values() if niceness not in (0, 19)] == [10]


def peak_mib(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_a_query_above_the_ceiling_spills_or_is_refused_and_the_server_stays_below_it(tmp_path: Path) -> None:
    with heavy_server(data=tmp_path, memory_limit=f"{LIMIT_MIB}MiB") as server, Api(server) as api:
        api.send(event("view"))
        # The engine has the least that it may have, and the sort needs several times that: it is answered, by what was spilled.
        assert api.trends(**question("sort"))["series"][0]["total"] == 0
        answer = api.http.post(api.path("insights/trends"), json=question("hoard"))
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert answer.json()["error"] == "the query needs more memory than the server may use; ask for a shorter range"
        assert api.trends(**question("view"))["series"][0]["total"] == 1
        if Path("/proc/self/status").exists():
            assert peak_mib(server.process.pid) < LIMIT_MIB + BESIDE_MIB
        assert sum(path.stat().st_size for path in (tmp_path / "spill").rglob("*")) < MIB  # given back at the end
