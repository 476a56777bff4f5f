"""The disk is told of before it is full: once when a bound is crossed, once when all is well again."""

import logging
import threading
from pathlib import Path

import pytest

from sv.model.disk_limits import GIVE_BACK_BELOW_BYTES, WALK_SHARE
from sv.store.disk_watch import BUDGET, FREE, DiskWatch, bytes_below, shown_bytes

GIB = 1 << 30


class Machine:
    """A disk, a folder and a clock, as a test says they are. A walk takes `walk_s`."""

    def __init__(self, *, budget: int = 0, warn_below: int = 0) -> None:
        self.free, self.folder, self.now_s, self.walk_s, self.walks = 500 * GIB, 0, 0.0, 0.0, 0
        self.given_back = 0
        self.watch = DiskWatch(
            Path("data"),
            budget,
            warn_below,
            self.give_back,
            lower=lambda: None,
            monotonic_s=lambda: self.now_s,
            disk_of=lambda _: (1000 * GIB, self.free),
            bytes_in=self.walk,
        )

    def give_back(self) -> None:
        self.given_back += 1

    def walk(self, _: Path) -> int:
        self.walks += 1
        self.now_s += self.walk_s
        return self.folder

    def look(self, *, free: int | None = None, folder: int | None = None) -> tuple[str, ...]:
        self.free = self.free if free is None else free
        self.folder = self.folder if folder is None else folder
        self.watch.look()
        self.now_s += 60
        return self.watch.reading.warnings


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_a_budget_is_told_of_from_nine_tenths_on_until_it_is_well_kept_within(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine(budget=100 * GIB)
    assert [machine.look(folder=part * GIB) for part in (50, 89, 90, 95, 101, 88, 86, 84, 89)] == [
        (), (), (BUDGET,), (BUDGET,), (BUDGET,), (BUDGET,), (BUDGET,), (), (),
    ]  # fmt: skip
    assert lines(caplog) == [
        (
            "WARNING",
            "the data folder takes 90.0 GiB of its budget of 100 GiB (SV_DISK_BUDGET); docs/operating.md says what to do",
        ),
        ("INFO", "the data folder takes 84.0 GiB of its budget of 100 GiB: well within it again"),
    ]


def test_too_little_free_is_told_of_until_there_is_a_tenth_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine(warn_below=10 * GIB)
    assert [machine.look(free=part * GIB) for part in (11, 10, 9, 8, 10, 11)] == [(), (), (FREE,), (FREE,), (FREE,), ()]
    assert [level for level, _ in lines(caplog)] == ["WARNING", "INFO"]
    assert machine.watch.warnings() == []


def test_what_everybody_is_told_has_no_figures() -> None:
    machine = Machine(budget=GIB, warn_below=10 * GIB)
    assert machine.look(free=1, folder=2 * GIB) == (BUDGET, FREE)
    assert len(machine.watch.warnings()) == 2
    assert not any(character.isdigit() for character in "".join(machine.watch.warnings()))


def test_without_bounds_nothing_is_told_however_full_the_disk_is(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    assert machine.look(free=0, folder=1000 * GIB) == ()
    assert lines(caplog) == []
    assert (machine.watch.reading.disk, machine.watch.reading.free) == (1000 * GIB, 0)


def test_a_folder_that_takes_long_to_add_up_is_added_up_seldom() -> None:
    machine = Machine(budget=100 * GIB)
    machine.walk_s = 12.0
    looks = 0
    while machine.walks < 5:
        machine.look()
        looks += 1
    assert 5 * machine.walk_s / machine.now_s <= WALK_SHARE * 1.3
    assert looks > 20


def test_a_disk_that_can_t_be_read_is_no_reason_to_warn(caplog: pytest.LogCaptureFixture) -> None:
    def gone(_: Path) -> tuple[int, int]:
        raise OSError("gone")

    watch = DiskWatch(Path("data"), 0, GIB, lower=lambda: None, disk_of=gone, bytes_in=lambda _: 0)
    watch.look()
    assert (watch.reading.free, watch.reading.warnings, lines(caplog)) == (None, (), [])


def test_every_file_below_counts_by_what_it_takes_and_links_do_not(tmp_path: Path) -> None:
    (tmp_path / "events" / "day").mkdir(parents=True)
    (tmp_path / "events" / "day" / "a").write_bytes(b"x" * 100_000)
    (tmp_path / "b").write_bytes(b"x" * 50_000)
    whole = bytes_below(tmp_path)
    assert 150_000 <= whole < 250_000
    (tmp_path / "link").symlink_to(tmp_path / "events", target_is_directory=True)
    assert whole <= bytes_below(tmp_path) < whole + 10_000
    assert bytes_below(tmp_path / "nowhere") == 0


@pytest.mark.parametrize(("amount", "shown"), [(0, "0 B"), (1536, "1.5 KiB"), (300 << 20, "300 MiB"), (5 << 40, "5.0 TiB")])
def test_bytes_are_shown_in_the_unit_that_people_read(amount: int, shown: str) -> None:
    assert shown_bytes(amount) == shown


def test_a_walk_through_a_slow_disk_keeps_no_server_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(budget=GIB)
    has_begun, is_over = threading.Event(), threading.Event()

    def walk(_: Path) -> int:
        has_begun.set()
        assert is_over.wait(60)
        return 0

    monkeypatch.setattr(machine.watch, "_bytes_in", walk)
    machine.watch.start()
    assert has_begun.wait(60)
    machine.watch.stop()
    assert not is_over.is_set()
    is_over.set()


def test_what_is_kept_for_reuse_is_given_back_while_next_to_nothing_is_free() -> None:
    machine = Machine()
    counts: list[int] = []
    for free in (GIB, GIVE_BACK_BELOW_BYTES, GIVE_BACK_BELOW_BYTES - 1, 0, GIB):
        machine.look(free=free)
        counts.append(machine.given_back)
    assert counts == [0, 0, 1, 2, 2]
