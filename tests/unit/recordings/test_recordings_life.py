"""The life of chunks, over a store in memory and the real tables: promised, stored, doomed, forgotten, in both kinds of store."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.meta.db import Meta
from sv.meta.recordings import RecordingChunks
from sv.model.errors import NotAuthorized, NotFound, PayloadTooLarge, Unavailable
from sv.model.limits import MAX_CHUNK_BYTES, MAX_PROJECT_UPLOADS, MAX_UPLOADS
from sv.objects.port import URL_LIFETIME_MS, SignedUpload, Undeleted
from sv.recordings import recordings
from sv.recordings.recordings import GRACE_MS, Recordings
from sv.recordings.request import UploadRequest

NOW = 1_741_082_401_000
MINUTE = 60_000
OVER = URL_LIFETIME_MS + GRACE_MS
KEY = "recordings/dev/s-1/chunk_000000.json"
HERE = "http://here"


class Bucket:
    """An `ObjectStore` in memory. is_down: every call is refused. is_kept: deletions are. locked: what stays whoever deletes it. denied: what
    nobody may look at. looks: how often it was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_down = False
        self.is_kept = False
        self.locked: set[str] = set()
        self.denied: set[str] = set()
        self.looks = 0

    def _ask(self) -> None:
        self.looks += 1
        if self.is_down:
            raise Unavailable("the bucket can't be reached")

    def put(self, key: str, data: bytes, content_type: str) -> None:
        self.objects[key] = data

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def stat(self, key: str) -> int | None:
        self._ask()
        if key in self.denied:
            raise Unavailable("nobody may look at it")
        return len(self.objects[key]) if key in self.objects else None

    def list(self, folder: str) -> dict[str, int]:
        self._ask()
        return {key: len(data) for key, data in self.objects.items() if key.rpartition("/")[0] == folder}

    def delete(self, keys: Iterable[str]) -> None:
        self._ask()
        if self.is_kept:
            raise Unavailable("nobody may delete in the bucket")
        kept = self.locked & set(keys)
        for key in set(keys) - kept:
            self.objects.pop(key, None)
        if kept:
            raise Undeleted(kept, "a lock")

    def presign_upload(self, key: str, size: int, content_type: str, *, origin: str, now_ms: int) -> SignedUpload:
        return SignedUpload(f"{origin}/{key}", {"Content-Type": content_type}, now_ms + URL_LIFETIME_MS)

    def presign_download(self, key: str, content_type: str, *, origin: str, now_ms: int) -> str:
        return f"{origin}/{key}?{now_ms}"


class Clock:
    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


class World:
    """Recordings over a bucket that tells nothing, or over a store of the server's own."""

    def __init__(self, meta: Meta, *, is_told: bool, max_bytes: int = 10**9) -> None:
        self.meta = meta
        self.clock = Clock()
        self.bucket = Bucket()
        self.recordings = Recordings(RecordingChunks(meta), self.bucket, is_told=is_told, max_bytes=max_bytes, now_ms=self.clock)

    def promise(
        self, session: str = "s-1", index: int = 0, size: int = 3, *, project: str = "dev", user: str | None = None
    ) -> str:
        asked = UploadRequest(project_token="", session_id=session, chunk_index=index, size=size, anonymous_id=None, user_id=user)
        return self.recordings.promise(project, asked, HERE).key

    def arrive(self, key: str, data: bytes = b"[1]") -> None:
        """An upload to the server's own store, from its beginning to its end."""
        with self.recordings.arriving(key, len(data)):
            self.recordings.admit(key)
            self.recordings.store(key, len(data), lambda: self.bucket.put(key, data, ""))

    def listed(self, session: str = "s-1", project: str = "dev") -> list[tuple[int, int]]:
        try:
            return [(chunk["index"], chunk["size"]) for chunk in self.recordings.list_chunks(project, session, HERE)]
        except NotFound:
            return []

    def rows(self) -> list[tuple[object, ...]]:
        return self.meta.rows("select chunk_index, state from recording_chunks order by recording, chunk_index")

    def check_figures(self) -> None:
        """What is kept beside the chunks is what counting them gives."""
        kept = self.meta.rows("select recording, chunks, stored, bytes from recording_sessions order by recording")
        counted = self.meta.rows(
            """
            select recording, count(*), sum(state = 'stored'), sum(iif(state = 'doomed', 0, size))
            from recording_chunks group by recording order by recording
            """
        )
        assert kept == counted
        totals = self.meta.rows("select promised, bytes from recording_totals")
        assert totals == self.meta.rows(
            "select coalesce(sum(state = 'promised'), 0), coalesce(sum(iif(state = 'promised', 0, size)), 0) from recording_chunks"
        )


@pytest.fixture
def meta(tmp_path: Path) -> Iterator[Meta]:
    with Meta.open(tmp_path / "sv.db") as opened:
        yield opened


@pytest.fixture
def own(meta: Meta) -> World:
    return World(meta, is_told=True)


@pytest.fixture
def far(meta: Meta) -> World:
    return World(meta, is_told=False)


# What is there


def test_a_chunk_is_listed_from_the_moment_that_its_upload_ends(own: World) -> None:
    key = own.promise()
    assert own.listed() == []
    own.arrive(key)
    assert own.listed() == [(0, 3)]
    assert own.recordings.recorded("dev", ["s-1", "s-2"]) == {"s-1"}


def test_a_bucket_is_asked_for_what_is_promised_when_somebody_reads(far: World) -> None:
    key = far.promise()
    assert far.listed() == []
    far.bucket.objects[key] = b"[12345]"
    assert far.listed() == [(0, 7)]
    assert far.recordings.recorded("dev", ["s-1"]) == {"s-1"}


def test_a_bucket_is_asked_by_itself_after_seconds_then_ever_more_seldom_and_at_last_no_more(far: World) -> None:
    far.promise()
    looked: list[int] = []
    for second in range(3600):
        far.clock.ms = NOW + second * 1000
        far.recordings.settle()
        if far.bucket.looks:
            looked.append(second)
            far.bucket.looks = 0
    assert looked[0] == 5
    assert len(looked) < 12
    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(looked))
    assert far.rows() == [], "a promise that nobody kept is struck"
    assert looked[-1] == OVER // 1000


def test_a_first_chunk_in_a_bucket_is_known_without_anybody_reading(far: World) -> None:
    far.bucket.objects[far.promise()] = b"[1]"
    assert far.recordings.recorded("dev", ["s-1"]) == set()
    far.clock.ms += 5000
    far.recordings.settle()
    assert far.recordings.recorded("dev", ["s-1"]) == {"s-1"}


def test_many_chunks_of_one_session_are_looked_up_by_one_listing(far: World) -> None:
    for index in range(50):
        far.bucket.objects[far.promise(index=index)] = b"[1]"
    assert len(far.listed()) == 50
    assert far.bucket.looks == 1


def test_a_bucket_that_is_down_hides_nothing_that_is_known(far: World) -> None:
    far.bucket.objects[far.promise()] = b"[1]"
    assert far.listed() == [(0, 3)]
    far.promise(index=1)
    far.bucket.is_down = True
    assert far.listed() == [(0, 3)]


def test_a_silent_bucket_is_waited_for_by_one_reader_and_what_it_may_have_is_not_denied(
    far: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.bucket.objects[far.promise("known")] = b"[1]"
    assert far.listed("known") == [(0, 3)]
    far.bucket.objects[far.promise("new")] = b"[1]"
    waits: list[int] = []

    def wait_in_vain(key: str) -> int | None:
        waits.append(1)
        far.clock.ms += 20_000
        raise Unavailable("nobody answers")

    with monkeypatch.context() as silent:
        silent.setattr(far.bucket, "stat", wait_in_vain)
        for _ in range(3):
            assert far.listed("known") == [(0, 3)]
            with pytest.raises(Unavailable):  # 404 would say that there is none
                far.recordings.list_chunks("dev", "new", HERE)
        assert len(waits) == 1
        far.clock.ms += MINUTE
        assert (far.listed("known"), len(waits)) == ([(0, 3)], 2), "it is asked again after a while"
        far.clock.ms -= 60 * MINUTE
        assert (far.listed("known"), len(waits)) == ([(0, 3)], 3), "also where the clock was set back"
    far.clock.ms += 61 * MINUTE
    assert (far.listed("known"), far.listed("new")) == ([(0, 3)], [(0, 3)])


def test_a_chunk_whose_row_a_crash_left_promised_is_found(own: World) -> None:
    key = own.promise()
    own.bucket.objects[key] = b"[1]"  # renamed, and then the power went
    assert own.listed() == [(0, 3)]


def test_a_look_up_that_began_before_an_upload_ended_does_not_overrule_it(own: World) -> None:
    key = own.promise(size=3)
    chunk = RecordingChunks(own.meta).chunks_of("dev", "s-1", -1, 10)[0]
    own.arrive(key, b"[12345]")
    RecordingChunks(own.meta).found([(chunk, 3, None)])
    assert own.listed() == [(0, 7)]


# What may come in


def test_an_upload_that_nobody_promised_or_that_is_erased_is_not_let_in(own: World) -> None:
    with pytest.raises(NotAuthorized):
        own.arrive(KEY)
    own.promise()
    own.recordings.erase_session_recordings("dev", ["s-1"])
    with pytest.raises(NotAuthorized):
        own.arrive(KEY)
    with pytest.raises(NotAuthorized):
        own.arrive("recordings/dev/s-1/other.json")
    assert own.bucket.objects == {}


def test_so_many_uploads_come_in_at_once_and_no_more(own: World) -> None:
    key = own.promise()
    others = key.replace("/dev/", "/other/")
    with contextlib.ExitStack() as entered:
        for _ in range(MAX_PROJECT_UPLOADS):
            entered.enter_context(own.recordings.arriving(key, 3))
        with pytest.raises(Unavailable, match="too many"):
            own.arrive(key)
        for _ in range(MAX_UPLOADS - MAX_PROJECT_UPLOADS):
            entered.enter_context(own.recordings.arriving(others, 3))
        with pytest.raises(Unavailable, match="too many"), own.recordings.arriving(others, 3):
            pass
    own.arrive(key)


def test_a_chunk_that_a_bucket_refuses_to_look_at_keeps_no_other_from_being_found(far: World) -> None:
    keys = [far.promise(f"s-{number}") for number in range(5)]
    far.bucket.objects = dict.fromkeys(keys, b"[1]")
    far.bucket.denied = {keys[0], keys[3]}
    for _ in range(3):
        far.clock.ms += recordings.FIRST_LOOK_MS
        with contextlib.suppress(Unavailable):
            far.recordings.settle()
    assert far.recordings.recorded("dev", [f"s-{number}" for number in range(5)]) == {"s-1", "s-2", "s-4"}
    far.clock.ms = NOW + OVER
    for _ in range(9):  # also those that are the longest due, as these two are from then on
        far.clock.ms += recordings.FIRST_LOOK_MS
        with contextlib.suppress(Unavailable):
            far.recordings.settle()
    keys.append(far.promise("s-5"))
    far.bucket.objects[keys[5]] = b"[1]"
    far.clock.ms += recordings.FIRST_LOOK_MS
    far.recordings.settle()
    assert far.recordings.recorded("dev", ["s-5"]) == {"s-5"}
    far.bucket.denied.clear()
    far.clock.ms += GRACE_MS
    far.recordings.settle()
    assert far.recordings.recorded("dev", ["s-0", "s-3"]) == {"s-0", "s-3"}


def test_room_is_what_is_kept_and_what_is_coming_in(meta: Meta) -> None:
    own = World(meta, is_told=True, max_bytes=10)
    first, second = own.promise(index=0, size=6), own.promise(index=1, size=6)
    with (
        own.recordings.arriving(first, 6),
        own.recordings.arriving(second, 6),
        pytest.raises(Unavailable, match="recordings_limit"),
    ):
        own.recordings.admit(second)
    own.arrive(first, b"123456")
    with pytest.raises(Unavailable, match="recordings_limit"):
        own.arrive(second, b"123456")
    own.recordings.erase_session_recordings("dev", ["s-1"])
    own.arrive(own.promise("s-2", size=10), b"1234567890")


def test_a_session_holds_so_much_and_no_more(own: World) -> None:
    for index in range(102):
        own.promise(index=index, size=MAX_CHUNK_BYTES)
    with pytest.raises(PayloadTooLarge, match="sizeBytes"):
        own.promise(index=102, size=MAX_CHUNK_BYTES)
    own.promise(index=101, size=MAX_CHUNK_BYTES)  # once more the same is no more
    own.promise("s-2", size=MAX_CHUNK_BYTES)


# The end


@pytest.mark.parametrize("is_told", [True, False])
def test_expired_chunks_are_gone_bytes_and_rows_and_younger_ones_stay(meta: Meta, is_told: bool) -> None:
    world = World(meta, is_told=is_told)
    for index in range(3):
        key = world.promise(index=index)
        world.arrive(key)
        world.clock.ms += MINUTE
    other = world.promise(project="other")
    world.arrive(other)
    assert world.recordings.expire_recordings("dev", NOW + 2 * MINUTE) == 2
    assert world.listed() == [(2, 3)]
    assert set(world.bucket.objects) == {"recordings/dev/s-1/chunk_000002.json", other}
    world.clock.ms += OVER
    world.recordings.settle()
    assert [row for row in world.rows() if row[1] == "doomed"] == []
    assert world.recordings.expire_recordings("dev", NOW + 2 * MINUTE) == 0
    world.check_figures()


def test_an_erased_chunk_of_the_own_store_leaves_no_row_and_can_be_recorded_again_at_once(own: World) -> None:
    own.arrive(own.promise(user="ann"))
    assert own.recordings.sessions_of("dev", "ann") == ["s-1"]
    assert own.recordings.erase_session_recordings("dev", ["s-1", "s-2"]) == 1
    assert own.rows() == []
    assert own.meta.rows("select * from recording_sessions") == []
    own.arrive(own.promise())
    assert own.listed() == [(0, 3)]


def test_an_erased_chunk_whose_upload_is_under_way_stays_erased(own: World) -> None:
    key = own.promise()
    with own.recordings.arriving(key, 3):
        own.recordings.admit(key)
        own.recordings.erase_session_recordings("dev", ["s-1"])
        assert own.rows() == [(0, "doomed")], "the row waits for the upload, or its bytes would have none"
        with pytest.raises(Unavailable):
            own.promise()
        with pytest.raises(NotAuthorized):
            own.recordings.store(key, 3, lambda: own.bucket.put(key, b"[1]", ""))
    assert own.bucket.objects == {}
    own.clock.ms += MINUTE
    own.recordings.settle()
    assert own.rows() == []


def test_an_erased_chunk_that_a_url_brings_back_to_a_bucket_is_removed_again(far: World) -> None:
    key = far.promise()
    far.recordings.erase_session_recordings("dev", ["s-1"])
    far.bucket.objects[key] = b"[1]"  # the URL was still good
    assert far.listed() == []
    assert far.recordings.recorded("dev", ["s-1"]) == set()
    far.clock.ms += OVER - 1
    far.recordings.settle()
    assert far.rows() == [(0, "doomed")]
    far.clock.ms += 1
    far.recordings.settle()
    assert (far.rows(), far.bucket.objects) == ([], {})


@pytest.mark.parametrize("is_told", [True, False])
def test_what_a_store_that_is_down_kept_is_removed_when_it_is_back(meta: Meta, is_told: bool) -> None:
    world = World(meta, is_told=is_told)
    world.arrive(world.promise())
    world.bucket.is_down = True
    with pytest.raises(Unavailable):
        world.recordings.erase_session_recordings("dev", ["s-1"])
    assert world.listed() == [], "nobody sees it from the first moment on"
    world.bucket.is_down = False
    world.recordings.settle()
    assert world.bucket.objects == {}


def test_it_is_told_when_more_is_due_than_is_looked_at_in_one_go(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "SETTLE_BATCH", 2)
    for index in range(3):
        own.promise(index=index)
    own.clock.ms += OVER
    assert (own.recordings.settle(), len(own.rows())) == (True, 1), "promises that have lapsed"
    assert (own.recordings.settle(), len(own.rows())) == (False, 0)
    for index in range(3):
        own.arrive(own.promise(index=index))
    RecordingChunks(own.meta).doom("dev", own.clock.ms)
    assert (own.recordings.settle(), len(own.rows())) == (True, 1), "what is to be deleted"
    assert (own.recordings.settle(), len(own.rows())) == (False, 0)
    own.check_figures()


def test_a_project_without_anything_too_old_waits_for_no_bucket(far: World) -> None:
    """Each would wait half a minute for one that doesn't answer, and erasures behind all of them."""
    far.promise()
    far.clock.ms += MINUTE
    far.bucket.is_down = True
    assert far.recordings.expire_recordings("dev", NOW) == 0
    with pytest.raises(Unavailable):
        far.recordings.expire_recordings("dev", NOW + 1)


def test_an_erasure_asks_the_bucket_for_nothing_but_what_it_removes(far: World) -> None:
    far.bucket.objects[far.promise("erased")] = b"[1]"
    far.promise("other")
    far.clock.ms += MINUTE
    before = far.bucket.looks
    assert far.recordings.erase_session_recordings("dev", ["erased"]) == 1
    assert (far.bucket.looks, far.bucket.objects) == (before + 1, {})


def test_what_a_bucket_lets_nobody_delete_keeps_nothing_that_comes_from_being_found(
    far: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sv.recordings.recordings.SETTLE_BATCH", 2)
    for index in range(3):
        far.bucket.objects[far.promise("erased", index)] = b"[1]"
    far.bucket.is_kept = True
    with pytest.raises(Unavailable):
        far.recordings.erase_session_recordings("dev", ["erased"])
    far.clock.ms += MINUTE
    far.bucket.objects[far.promise()] = b"[1]"
    far.clock.ms += MINUTE
    with pytest.raises(Unavailable):
        far.recordings.settle()
    assert far.recordings.recorded("dev", ["s-1", "erased"]) == {"s-1"}
    far.bucket.is_kept = False
    far.recordings.erase_session_recordings("dev", ["erased"])
    assert list(far.bucket.objects) == [KEY]


@pytest.mark.parametrize("is_told", [True, False])
def test_an_object_that_the_store_keeps_holds_up_no_other(meta: Meta, monkeypatch: pytest.MonkeyPatch, is_told: bool) -> None:
    monkeypatch.setattr(recordings, "SETTLE_BATCH", 2)
    world = World(meta, is_told=is_told)
    for index in range(5):
        world.arrive(world.promise("locked", index))
    world.arrive(world.promise("free", project="other"))
    world.bucket.locked = {"recordings/dev/locked/chunk_000000.json"}
    with pytest.raises(Undeleted):
        world.recordings.erase_session_recordings("dev", ["locked"])
    assert set(world.bucket.objects) == world.bucket.locked | {"recordings/other/free/chunk_000000.json"}
    assert world.recordings.erase_session_recordings("other", ["free"]) == 1, (
        "another project's erasure has nothing to do with it"
    )
    with pytest.raises(Undeleted):  # the job that asks goes on asking
        world.recordings.erase_session_recordings("dev", ["locked"])
    world.clock.ms += OVER
    for index in range(3):
        world.arrive(world.promise("old", index))
    RecordingChunks(meta).doom("dev", world.clock.ms, session_ids=["old"])
    for _ in range(5):
        with contextlib.suppress(Undeleted):
            world.recordings.settle()
    assert set(world.bucket.objects) == world.bucket.locked, "nor what is looked after later"
    world.bucket.locked = set()
    world.clock.ms += OVER
    while world.recordings.settle():
        pass
    assert (world.bucket.objects, world.rows()) == ({}, [])
    assert world.recordings.erase_session_recordings("dev", ["locked"]) == 0
    world.check_figures()


def test_all_recordings_of_a_project_go_and_those_of_others_stay(own: World) -> None:
    for project in ("dev", "other"):
        for session in ("s-1", "s-2"):
            own.arrive(own.promise(session, project=project))
    assert own.recordings.erase_all_recordings("dev") == 2
    assert (own.listed(), own.listed(project="other")) == ([], [(0, 3)])
    assert own.recordings.erase_all_recordings() == 2
    assert (own.rows(), own.bucket.objects) == ([], {})


def test_a_persons_sessions_are_those_that_came_under_an_id_of_theirs(own: World) -> None:
    own.promise("s-1", user="ann")
    own.promise("s-2", user="bob")
    own.promise("s-3", project="other", user="ann")
    assert own.recordings.sessions_of("dev", "ann") == ["s-1"]


def test_a_recording_that_came_under_several_ids_is_found_by_each_and_goes_with_any(own: World) -> None:
    """Two users on one device, say: later chunks of a session bring other ids."""
    own.arrive(own.promise("s-1", user="ann"))
    for index, user in ((1, "bob"), (2, None), (3, "ann"), (4, "carl")):
        own.arrive(own.promise("s-1", index=index, user=user))
    own.arrive(own.promise("s-2", user="bob"))
    assert [own.recordings.sessions_of("dev", user) for user in ("ann", "bob", "carl")] == [["s-1"], ["s-1", "s-2"], ["s-1"]]
    assert own.recordings.sessions_of("other", "ann") == []
    own.recordings.erase_session_recordings("dev", own.recordings.sessions_of("dev", "ann"))
    assert own.meta.rows("select * from recording_persons") == []
    assert [own.recordings.sessions_of("dev", user) for user in ("ann", "bob", "carl")] == [[], ["s-2"], []]


def test_an_erased_persons_ids_go_before_the_bucket_is_done_with_their_chunks_and_come_again_with_new_ones(far: World) -> None:
    for index, user in enumerate(("ann", "bob")):
        far.promise("s-1", index=index, user=user)
    far.promise("s-2", user="ann")
    far.promise("s-3", project="other", user="ann")
    far.recordings.erase_session_recordings("dev", ["s-1", "s-2"])
    far.recordings.forget_persons("dev", ["bob"])
    assert (far.recordings.sessions_of("dev", "ann"), far.recordings.sessions_of("dev", "bob")) == (["s-1", "s-2"], [])
    far.promise("s-2", index=1, user="ann")
    far.recordings.forget_persons("dev", ["ann"])
    assert far.recordings.sessions_of("dev", "ann") == ["s-2"]
    assert far.recordings.sessions_of("other", "ann") == ["s-3"]
    assert far.meta.rows("select * from recording_persons") == []


def test_a_session_of_ever_new_persons_is_refused_before_it_fills_the_metadata(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sv.meta.recordings.MAX_PERSONS", 2)
    for index, user in enumerate(("ann", "bob", "ann", "carl", "carl")):
        own.promise("s-1", index=index, user=user)
    with pytest.raises(PayloadTooLarge, match="at most 2 users and visitors"):
        own.promise("s-1", index=6, user="dora")
    assert own.recordings.sessions_of("dev", "dora") == []


STEPS = st.sampled_from(["promise", "promise", "arrive", "arrive", "settle", "later", "erase", "expire", "look"])


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(STEPS, st.integers(0, 2), st.integers(1, 5)), max_size=40), is_told=st.booleans())
def test_whatever_happens_what_is_listed_is_what_is_there_and_the_figures_are_right(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]], is_told: bool
) -> None:
    with Meta.open(tmp_path_factory.mktemp("life") / "sv.db") as meta:
        world = World(meta, is_told=is_told)
        erased: set[str] = set()
        for step, place, size in steps:
            session, key = f"s-{place}", f"recordings/dev/s-{place}/chunk_{place:06}.json"
            try:
                if step == "promise":
                    world.promise(session, place, size)
                    erased.discard(key)
                elif step == "arrive" and is_told:
                    world.arrive(key, b"x" * size)
                elif step == "arrive":
                    rows = world.meta.rows("select 1 from recording_sessions where session_id = ?", session)
                    if rows and key not in erased:  # a URL is out
                        world.bucket.objects[key] = b"x" * size
                elif step == "erase":
                    world.recordings.erase_session_recordings("dev", [session])
                    erased.add(key)
                elif step == "expire":
                    world.recordings.expire_recordings("dev", world.clock.ms - size * 5 * MINUTE)
                elif step == "later":
                    world.clock.ms += size * 4 * MINUTE
                elif step == "settle":
                    world.recordings.settle()
                else:
                    world.listed(session)
            except (NotAuthorized, Unavailable):
                pass
            world.check_figures()
        for place in range(3):
            key = f"recordings/dev/s-{place}/chunk_{place:06}.json"
            rows = meta.rows("select state from recording_chunks where chunk_index = ?", place)
            if key in world.bucket.objects:
                assert rows, "whatever lies in the store has a row"
            if rows != [("doomed",)]:
                there = [(place, len(world.bucket.objects[key]))] if key in world.bucket.objects else []
                # A bucket's chunk may be replaced after the last look at it, which only its size would tell.
                assert [index for index, _ in world.listed(f"s-{place}")] == [index for index, _ in there]
                if is_told:
                    assert world.listed(f"s-{place}") == there
