"""What a folder is, its settings, and emptying it of events."""

from pathlib import Path

import pytest
from meta_rig import NOW, make_project, names, part

from sv.meta.db import Meta
from sv.meta.errors import FolderFromNewerVersion
from sv.meta.instance import Settings, load_instance
from sv.meta.parts import Parts
from sv.meta.persons import Persons
from sv.meta.project_tokens import ProjectTokens
from sv.meta.reset import delete_all_events


def test_a_folder_is_made_up_once_and_stays_what_it_is(path: Path) -> None:
    with Meta.open(path) as meta:
        first = load_instance(meta, NOW)
        assert load_instance(meta, NOW + 1) == first
    with Meta.open(path) as meta:
        assert load_instance(meta, NOW + 2) == first
    assert (first.layout_version, first.created_ms) == (1, NOW)
    assert 0 <= first.id_salt < 2**20


def test_chance_comes_in_as_an_argument(meta: Meta) -> None:
    made = load_instance(meta, NOW, choose=lambda chars: chars[-1], random_bits=lambda bits: 2**bits - 1)
    assert (made.folder_id, made.id_salt) == ("999999999999", 2**20 - 1)


def test_two_folders_differ(path: Path, tmp_path: Path) -> None:
    with Meta.open(path) as a, Meta.open(tmp_path / "other.db") as b:
        assert load_instance(a, NOW).folder_id != load_instance(b, NOW).folder_id


def test_a_newer_layout_is_refused(meta: Meta) -> None:
    load_instance(meta, NOW)
    with meta.transaction() as writer:
        writer.execute("update instance set layout_version = 2")
    with pytest.raises(FolderFromNewerVersion, match="layout 2"):
        load_instance(meta, NOW)


def test_settings_are_any_json_by_key(meta: Meta) -> None:
    settings = Settings(meta)
    assert settings.get("k") is None
    settings.put("k", "[1]")
    settings.put("k", '"☃"')
    assert settings.get("k") == '"☃"'


@pytest.fixture
def filled(meta: Meta) -> Meta:
    for project in "ab":
        make_project(meta, project)
        Persons(meta).number_persons(project, '["ann", "bob"]')
        Parts(meta).add_import_chunk(f"import {project}", 0, [part(f"imported-{project}", project=project)])
    Parts(meta).commit_flush([part("a1", project="a"), part("b1", project="b")], 5)
    return meta


def test_emptying_everything_leaves_projects_and_no_events(filled: Meta) -> None:
    parts = Parts(filled)
    dropped = delete_all_events(filled, covered_seq=9)
    assert len(dropped) == 4
    assert (parts.live_parts(), parts.dropped_parts()) == ([], dropped)
    assert parts.covered_seq() == 9
    assert parts.import_chunks("import a") == set()
    assert ProjectTokens(filled).resolve_project_token("sv_pub_a", NOW) == "a"


def test_emptying_one_project_leaves_the_others(filled: Meta) -> None:
    parts = Parts(filled)
    assert [each.project_id for each in delete_all_events(filled, "a")] == ["a", "a"]
    assert names(parts) == ["imported-b", "b1"]
    assert parts.covered_seq() == 5
    assert (parts.import_chunks("import a"), parts.import_chunks("import b")) == (set(), {0})
    assert Persons(filled).number_persons("b", '["ann", "bob"]') == "[1,2]"


@pytest.mark.parametrize("project_id", ["a", None])
def test_no_number_is_given_again_after_emptying(filled: Meta, project_id: str | None) -> None:
    delete_all_events(filled, project_id)
    assert Persons(filled).number_persons("a", '["ann", "cyd"]') == "[3,4]"
