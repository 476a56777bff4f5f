"""Of a deleted project nothing stays but its id and its ended tokens, whatever tables there are."""

from pathlib import Path

import pytest

from sv.meta.db import Meta
from sv.meta.deleted_projects import DeletedProjects
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects

KEPT = {"projects", "project_tokens", "api_tokens", "audit", "person_projects"}
"""For neither id nor token to be given out again, the trail of what was done, and a number that nothing refers to."""

LATER = {"parts", "rollup_builds", "recording_chunks", "recording_sessions", "recording_persons"}
"""Marked at once; their rows go with what they stand for."""

SOWN = {
    "parts": "insert into parts (project_id, path, rows, bytes, min_ts_ms, max_ts_ms, min_received_ms, max_received_ms,"
    " level, schema_version, created_ms) values (?, 'f', 1, 1, 0, 0, 0, 0, 0, 1, 0)",
    "rollup_builds": "insert into rollup_builds (project_id, version, state) values (?, 'v', 'live')",
    "event_names": "insert into event_names (project_id, name, added_ms) values (?, 'view', 0)",
    "property_names": "insert into property_names (project_id, name, added_ms) values (?, 'plan', 0)",
    "smart_events": "insert into smart_events (id, project_id, name, description, rules, created_ms, updated_ms)"
    " values ('s', ?, 'n', '', '[]', 0, 0)",
    "saved_insights": "insert into saved_insights (id, project_id, name, description, kind, query, created_ms, updated_ms)"
    " values ('i', ?, 'n', '', 'trends', '{}', 0, 0)",
    "dashboards": "insert into dashboards (id, project_id, name, description, created_ms, updated_ms) values ('d', ?, 'n', '', 0, 0)",
    "jobs": "insert into jobs (id, project_id, kind, state, created_ms) values ('j', ?, 'erase_person', 'done', 0)",
}


@pytest.fixture
def meta(tmp_path: Path) -> Meta:
    return Meta.open(tmp_path / "sv.db")


def rows_of(meta: Meta, project_id: str) -> dict[str, int]:
    """How many rows each table has of the project."""
    tables = [
        str(name)
        for (name,) in meta.rows(
            """
            select m.name
            from sqlite_schema m
            join pragma_table_info(m.name) c
            where m.type = 'table' and c.name = 'project_id'
            """
        )
    ]
    return {name: int(str(meta.rows(f"select count(*) from {name} where project_id = ?", project_id)[0][0])) for name in tables}


def projects_in(meta: Meta) -> Projects:
    projects = Projects(meta, ProjectTokens(meta))
    for project_id in ("gone", "kept"):
        projects.create(project_id, token=f"sv_pub_{project_id}", now_ms=0, project_id=project_id)
    return projects


def test_every_table_that_has_a_project_is_emptied_of_a_deleted_one(meta: Meta) -> None:
    projects, deleted = projects_in(meta), DeletedProjects(meta, lambda: 1)
    with meta:
        with meta.transaction() as writer:
            for sown in SOWN.values():
                writer.execute(sown, ("gone",))
        assert deleted.with_remains() == []  # as long as it isn't deleted
        projects.delete("gone", 1)
        assert deleted.with_remains() == ["gone"]
        deleted.forget("gone")
        assert deleted.with_remains() == []
        left = {name for name, count in rows_of(meta, "gone").items() if count}
        assert left <= KEPT | LATER
        assert deleted.ids() == {"gone"}


@pytest.mark.parametrize("table", SOWN)
def test_whatever_is_left_or_comes_late_is_found(meta: Meta, table: str) -> None:
    projects, deleted = projects_in(meta), DeletedProjects(meta, lambda: 1)
    with meta:
        projects.delete("gone", 1)
        deleted.forget("gone")
        with meta.transaction() as writer:
            writer.execute(SOWN[table], ("gone",))
        assert deleted.with_remains() == ["gone"]
        deleted.forget("gone")
        assert deleted.with_remains() == []


def test_other_projects_keep_what_is_theirs(meta: Meta) -> None:
    projects, deleted = projects_in(meta), DeletedProjects(meta, lambda: 1)
    with meta:
        with meta.transaction() as writer:
            for sown in SOWN.values():
                writer.execute(sown, ("kept",))
        before = rows_of(meta, "kept")
        projects.delete("gone", 1)
        deleted.forget("gone")
        assert rows_of(meta, "kept") == before
