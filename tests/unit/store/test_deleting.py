"""Deleting files of events where some can't be: what goes, and what the log says of the rest."""

from pathlib import Path

import pytest

from sv.store.files import delete_durably


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of three days, of which those that begin with `fixed` can't be deleted."""
    for name in ("1/fixed-1", "1/loose-1", "2/fixed-2", "2/fixed-3", "3/loose-2"):
        (tmp_path / "events" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "events" / name).touch()
    unlink = Path.unlink

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        if path.name.startswith("fixed"):
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    return tmp_path


def test_files_that_stay_are_one_line_and_not_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = set[str]()
    fixed = ["events/1/fixed-1", "events/2/fixed-2"]
    paths = [*fixed, "events/1/loose-1", "events/3/loose-2"]
    assert delete_durably(folder, paths, told) == {"events/1/loose-1", "events/3/loose-2"}
    assert delete_durably(folder, fixed, told) == set()
    assert not (folder / "events/3").exists()
    line = "can't delete events/1/fixed-1 and 1 more yet, and will try again: Operation not permitted"
    assert [record.getMessage() for record in caplog.records] == [line]


def test_a_further_one_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = set[str]()
    delete_durably(folder, ["events/2/fixed-2"], told)
    delete_durably(folder, ["events/2/fixed-2", "events/2/fixed-3"], told)
    named = [record.getMessage().partition(" yet")[0] for record in caplog.records]
    assert named == ["can't delete events/2/fixed-2", "can't delete events/2/fixed-3 and 1 more"]


def test_one_that_went_and_came_back_is_told_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = set[str]()
    path = "events/2/fixed-2"
    delete_durably(folder, [path], told)
    with monkeypatch.context() as patch:
        patch.setattr("sv.store.files.delete_file", lambda _: None)
        assert delete_durably(folder, [path], told) == {path}
    delete_durably(folder, [path], told)
    assert len(caplog.records) == 2
