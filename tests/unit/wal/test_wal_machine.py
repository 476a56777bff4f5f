"""Random lives of a log: appends, refusals, letting go, restarts and damage, against a model that is a list."""

import errno
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from wal_rig import FaultyDisk, Told, change_byte, frame_ranges, has_header, open_log, read_back, segment_files

fraction = st.floats(0, 1, exclude_max=True)


class LogMachine(RuleBasedStateMachine):
    """`truth` is what must be read back; `shadows` what may be: lost to damage, or refused and not yet fenced off."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="wal-machine-"))
        self.truth: list[tuple[int, bytes]] = []
        self.covered = 0
        self.shadows: set[bytes] = set()
        self.refused: set[bytes] = set()
        self.count = 0
        self._open()

    def teardown(self) -> None:
        self.log.close()
        shutil.rmtree(self.folder)

    def _open(self) -> None:
        self.told = Told()
        self.disk = FaultyDisk()
        floor = self.covered + 1
        self.log = open_log(self.folder, self.told, disk=self.disk, next_seq_floor=floor)

    def _check(self, lost: set[int]) -> None:
        """Compares what the closed log holds; `lost` may be missing. What was read back is the new truth."""
        back, _ = read_back(self.folder, self.covered)
        must = {frame for frame in self.truth if frame[0] > self.covered and frame[0] not in lost}
        assert must <= set(back)
        extra = {payload for _, payload in set(back) - set(self.truth)}
        assert extra <= self.shadows
        seqs = [seq for seq, _ in back]
        assert seqs == sorted(set(seqs))
        self.shadows |= {payload for seq, payload in self.truth if seq in lost}
        self.truth = back

    def _lost_with_its_headers(self, path: Path, *, was_known: bool) -> set[int]:
        """What may be lost where both headers of a segment are damaged by now, one after the other: which records are in it, and which ones
        before it are none any more, nobody knows. was_known: it had one until now."""
        return set() if was_known and has_header(path) else {seq for seq, _ in self.truth}

    @rule(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=8), is_group=st.booleans())
    def append(self, sizes: list[int], is_group: bool) -> None:
        for n, size in enumerate(sizes, 1):
            self.log.append(b"%d." % self.count + b"x" * size)
            self.count += 1
            if not is_group:
                self.told.wait_for(n)
        self.log.close()
        assert len(self.told.commits) == len(sizes)
        for commit in self.told.commits:
            if commit.seq is not None:
                self.truth.append((commit.seq, commit.payload))
            else:
                self.shadows.add(commit.payload)
        self._open()

    @rule(
        call=st.sampled_from(["pwritev", "sync_data", "sync_folder", "rename", "open"]),
        first=st.integers(1, 4),
        count=st.integers(1, 3),
        sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
        error=st.sampled_from([errno.EIO, errno.ENOSPC, "short"]),
    )
    def append_to_a_failing_disk(self, call: str, first: int, count: int, sizes: list[int], error: int | str) -> None:
        if error == "short":
            call = "pwritev"
        self.disk.calls.clear()
        self.disk.call, self.disk.first, self.disk.count, self.disk.error = call, first, count, error
        self.append(sizes, is_group=False)

    @rule(share=fraction)
    def let_go(self, share: float) -> None:
        if self.truth:
            self.covered = max(self.covered, self.truth[int(share * len(self.truth))][0])
            self.log.truncate_below(self.covered)

    @rule()
    def restart(self) -> None:
        self.log.close()
        self._check(set())
        self._open()

    @rule(which=fraction, where=fraction, mask=st.integers(1, 255), in_frames=st.booleans())
    def change_a_byte(self, which: float, where: float, mask: int, in_frames: bool) -> None:
        self.log.close()
        files = segment_files(self.folder)
        path = files[int(which * len(files))] if files else None
        if path is not None and (size := path.stat().st_size) > 0:
            ranges = frame_ranges(path)
            first = min((start for start, _ in ranges.values()), default=0) if in_frames else 0
            last = max((stop for _, stop in ranges.values()), default=size) if in_frames else size
            at = first + int(where * (last - first))
            was_known = has_header(path)
            change_byte(path, at, mask)
            hit = {seq for seq, (start, stop) in ranges.items() if start <= at < stop}
            self._check(hit | self._lost_with_its_headers(path, was_known=was_known))
        self._open()

    @rule(where=fraction)
    def cut_the_last_segment(self, where: float) -> None:
        self.log.close()
        for path in segment_files(self.folder)[-1:]:
            size = path.stat().st_size
            ranges, was_known = frame_ranges(path), has_header(path)
            cut = min(size, max(100, int(where * size)))
            with path.open("r+b") as file:
                file.truncate(cut)
            hit = {seq for seq, (_, stop) in ranges.items() if stop > cut}
            self._check(hit | self._lost_with_its_headers(path, was_known=was_known))
        self._open()


LogMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_random_lives_of_a_log_agree_with_a_list = LogMachine.TestCase
