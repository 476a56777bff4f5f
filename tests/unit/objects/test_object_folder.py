"""The folder as an object store: whole or not at all, durable, and nothing of it left when it is gone."""

import contextlib
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from sv.model.errors import NotFound, Unavailable
from sv.objects.folder import FolderStore
from sv.objects.port import Undeleted
from sv.objects.signing import UrlSigner

KEY = "recordings/dev/s-1/chunk_000000.json"
OTHER = "recordings/dev/s-1/chunk_000001.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(folder: Path) -> FolderStore:
    return FolderStore(folder, UrlSigner(bytes(32)))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_object_is_there_as_it_was_put_and_gone_when_deleted(store: FolderStore, folder: Path) -> None:
    store.put(KEY, b"[1]", "application/json")
    store.put(OTHER, b"[2, 3]", "application/json")
    assert (store.get(KEY), store.stat(KEY)) == (b"[1]", 3)
    assert store.list("recordings/dev/s-1") == {KEY: 3, OTHER: 6}
    store.put(KEY, b"", "application/json")
    assert (store.get(KEY), store.stat(KEY)) == (b"", 0)
    store.delete([KEY, "recordings/dev/never/there.json", KEY])
    assert (store.stat(KEY), store.stat(OTHER)) == (None, 6)
    with pytest.raises(NotFound):
        store.get(KEY)
    store.delete([OTHER])
    assert [path.name for path in folder.iterdir()] == ["incoming"]


def test_a_store_without_a_folder_is_empty(store: FolderStore, folder: Path) -> None:
    assert store.list("recordings/dev/s-1") == {}
    assert store.stat(KEY) is None
    store.delete([KEY])
    assert store.sweep() == 0
    assert not folder.exists(), "nothing is made before it is needed"


def test_an_upload_is_not_there_before_it_is_finished_nor_after_it_was_abandoned(store: FolderStore, folder: Path) -> None:
    upload = store.begin(KEY)
    upload.write(b"[1")
    assert store.stat(KEY) is None
    upload.abandon()
    assert files(folder) == set()
    upload = store.begin(KEY)
    upload.write(b"[1")
    upload.write(b"]")
    upload.finish()
    upload.abandon()
    assert store.get(KEY) == b"[1]"


def test_who_reads_goes_on_with_what_was_there_while_it_is_replaced_or_deleted(store: FolderStore) -> None:
    store.put(KEY, b"[1]", "application/json")
    file, size = store.open(KEY)
    store.put(KEY, b"[2, 3]", "application/json")
    store.delete([KEY])
    with file:
        assert (file.read(), size) == (b"[1]", 3)


def test_what_dead_uploads_left_is_swept_and_objects_stay(store: FolderStore, folder: Path) -> None:
    store.put(KEY, b"[1]", "application/json")
    for _ in range(3):
        store.begin(OTHER).write(b"[")
    assert len(files(folder)) == 4
    assert store.sweep() == 3
    assert files(folder) == {KEY}


def test_files_are_for_their_owner_alone(store: FolderStore, folder: Path) -> None:
    store.put(KEY, b"[1]", "application/json")
    for path in (folder / KEY, *(folder / KEY).relative_to(folder.parent).parents):
        whole = path if path.is_absolute() else folder.parent / path
        if whole != folder.parent:
            assert whole.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["write", "fsync", "rename", "open", "mkdir"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_a_disk_that_refuses_is_unavailable_and_leaves_nothing(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, refuse)
        with pytest.raises(Unavailable, match=os.strerror(code)):
            store.put(KEY, b"[1]", "application/json")
    assert files(folder) == set()
    store.put(KEY, b"[1]", "application/json")
    assert store.get(KEY) == b"[1]"


def test_a_write_that_the_disk_cuts_short_goes_on_where_it_ended(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:2])))
    store.put(KEY, b"[1, 2, 3]", "application/json")
    assert store.get(KEY) == b"[1, 2, 3]"


class Calls:
    """The calls to the disk that make something last, in order: of each its name and the file or folder."""

    def __init__(self, patch: pytest.MonkeyPatch, root: Path) -> None:
        self.made: list[str] = []
        for name in ("fsync", "rename", "unlink", "rmdir"):
            patch.setattr(os, name, self._noting(name, getattr(os, name), root))

    def _noting(self, name: str, call: Any, root: Path) -> Any:
        def noted(place: Any, *rest: Any, **options: Any) -> Any:
            path = (
                os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else str(rest[0] if name == "rename" else place)
            )
            result = call(place, *rest, **options)
            self.made.append(f"{name} {Path(path).relative_to(root)}")
            return result

        return noted


def test_an_object_is_synced_then_renamed_then_its_folder_synced(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(OTHER, b"[]", "application/json")
    calls = Calls(monkeypatch, folder.parent)
    upload = store.begin(KEY)
    upload.write(b"[1]")
    upload.finish()
    synced, renamed, listed = calls.made
    assert synced.startswith("fsync objects/incoming/")
    assert (renamed, listed) == (f"rename objects/{KEY}", "fsync objects/recordings/dev/s-1")


def test_each_folder_that_is_made_is_on_disk_before_anything_is_in_it(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, folder.parent)
    store.put(KEY, b"[1]", "application/json")
    above = ["fsync .", "fsync objects", "fsync objects", "fsync objects/recordings", "fsync objects/recordings/dev"]
    made = [call for call in calls.made if "incoming/" not in call]
    assert made == [*above, f"rename objects/{KEY}", "fsync objects/recordings/dev/s-1"]


def test_deletions_are_on_disk_when_they_are_reported(store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (KEY, OTHER, "recordings/dev/s-2/chunk_000000.json"):
        store.put(key, b"[]", "application/json")
    calls = Calls(monkeypatch, folder.parent)
    store.delete([KEY])
    assert calls.made[-1] == "fsync objects/recordings/dev/s-1"
    store.delete([OTHER])
    assert calls.made[-1] == "fsync objects/recordings/dev", "the folder is gone, so the one above says so"


def test_an_object_that_can_not_be_removed_keeps_no_other(store: FolderStore, folder: Path) -> None:
    keys = [f"recordings/dev/s-{index}/chunk_000000.json" for index in range(3)]
    for key in keys:
        store.put(key, b"[1]", "application/json")
    (folder / keys[1]).unlink()
    (folder / keys[1]).mkdir()  # whoever may remove everything can't remove this as a file
    with pytest.raises(Undeleted) as refused:
        store.delete(keys)
    assert refused.value.keys == {keys[1]}
    assert list((folder / "recordings" / "dev").rglob("*.json")) == [folder / keys[1]]


def test_one_session_deleted_while_it_is_recorded_loses_no_chunk_that_was_reported(store: FolderStore) -> None:
    """The folder is taken away when it is empty, between its being made and the rename into it."""
    stop = threading.Event()
    faults: list[BaseException] = []

    def delete() -> None:
        while not stop.is_set():
            try:
                store.delete([OTHER])
            except Exception as error:
                faults.append(error)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        for number in range(200):
            try:
                store.put(KEY, b"%d" % number, "application/json")
            except Unavailable:  # ten times in a row the folder was gone: the client is told, and tries again
                continue
            assert store.get(KEY) == b"%d" % number
            store.delete([KEY])
    finally:
        stop.set()
        thread.join()
    assert faults == []


def test_an_object_that_goes_while_its_folder_is_listed_takes_no_other_out_of_the_list(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(KEY, b"[1]", "application/json")
    store.put(OTHER, b"[2, 3]", "application/json")
    scandir = os.scandir

    def then_one_goes(path: Path) -> Any:
        found = list(scandir(path))
        store.delete([KEY])
        return contextlib.nullcontext(found)

    monkeypatch.setattr(os, "scandir", then_one_goes)
    assert store.list("recordings/dev/s-1") == {OTHER: 6}
