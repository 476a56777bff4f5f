"""The trail of who changed what: one with the change it tells of, and bounded; and login sessions, which end in every way they may."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sv.meta.audit import Audit
from sv.meta.db import Meta
from sv.meta.login_sessions import LoginSessions
from sv.meta.users import Users
from sv.model import limits
from sv.model.access import Actor
from sv.model.errors import InvalidParameter, Unavailable
from sv.model.limits import DAY_MS, HOUR_MS
from sv.model.paging import PageQuery, parse_page_query
from sv.people.bodies import ProjectChange
from sv.people.people import People
from sv.people.projects import change_project, create_project, delete_project

WAIT_S = 60
ANN = Actor("user", "u-1", "ann@example.com")


@pytest.fixture
def meta(tmp_path: Path) -> Iterator[Meta]:
    with Meta.open(tmp_path / "sv.db") as opened:
        yield opened


def add(audit: Audit, now_ms: int, target: str = "t", **sides: Any) -> None:
    audit.add(ANN, "project.update", target_id=target, target_name=target, now_ms=now_ms, **sides)


def people_in(meta: Meta) -> People:
    return People(meta, now_ms=lambda: DAY_MS, monotonic_s=lambda: 0.0)


def test_a_change_that_fails_leaves_neither_itself_nor_an_entry(meta: Meta, monkeypatch: pytest.MonkeyPatch) -> None:
    people = people_in(meta)
    made = create_project(people, ANN, ProjectChange(name="Shop")).project

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("between the change and its entry")

    monkeypatch.setattr(people.audit, "add", fail)
    with pytest.raises(RuntimeError, match="between"):
        change_project(people, ANN, made.id, ProjectChange(name="Other"))
    with pytest.raises(RuntimeError, match="between"):
        delete_project(people, ANN, made.id)
    with pytest.raises(RuntimeError, match="between"):
        create_project(people, ANN, ProjectChange(name="Second"))
    assert [(each.id, each.name) for each in people.projects.list_all()] == [(made.id, "Shop")]
    assert [each.action for each in people.audit.page(PageQuery())] == ["project.create"]


def test_entries_go_when_they_are_old(meta: Meta) -> None:
    audit = Audit(meta, keep_ms=30 * DAY_MS)
    for day in (0, 10, 40):
        add(audit, day * DAY_MS, str(day))
    audit.forget_old(40 * DAY_MS)
    assert [each.target_id for each in audit.page(PageQuery())] == ["40", "10"]
    audit.forget_old(80 * DAY_MS)
    assert audit.page(PageQuery()) == []


def test_an_entry_of_a_command_takes_none_away_that_the_server_keeps(meta: Meta) -> None:
    """Whoever runs it may not know how long entries are kept."""
    server, command = (Audit(meta, keep_ms=days * DAY_MS) for days in (3650, 365))
    add(server, 0, "of long ago")
    add(command, 400 * DAY_MS, "made now")
    server.forget_old(400 * DAY_MS)
    assert [each.target_id for each in server.page(PageQuery())] == ["made now", "of long ago"]


def test_entries_go_when_there_are_too_many(meta: Meta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_AUDIT_ENTRIES", 3)
    audit = Audit(meta, keep_ms=30 * DAY_MS)
    for number in range(5):
        add(audit, number, str(number))
    assert [each.target_id for each in audit.page(PageQuery())] == ["4", "3", "2"]


def test_a_side_that_is_too_long_is_not_kept(meta: Meta) -> None:
    audit = Audit(meta, keep_ms=DAY_MS)
    add(audit, 1, before={"name": "x" * limits.MAX_AUDIT_VALUE_CHARS}, after={"name": "short"})
    (entry,) = audit.page(PageQuery())
    assert (bytes(entry.before), bytes(entry.after)) == (b'{"note":"too long to keep"}', b'{"name":"short"}')


def test_entries_of_one_moment_are_paged_through_once_each(meta: Meta) -> None:
    audit = Audit(meta, keep_ms=DAY_MS)
    for number in range(12):
        add(audit, 7, str(number))
    first = audit.page(PageQuery(limit=5))
    assert [each.target_id for each in first[:5]] == ["11", "10", "9", "8", "7"]
    with pytest.raises(InvalidParameter):
        audit.page(parse_page_query([("cursor", "eyJ0cyI6MSwiaWQiOiJ4In0")]))


def test_a_login_session_ends_by_age_and_by_lying_idle(meta: Meta) -> None:
    user = Users(meta).create("ann@example.com", password_hash="h", now_ms=0)
    sessions = LoginSessions(meta, idle_ms=10 * HOUR_MS)
    made = sessions.create(user.id, secret_hash=b"h" * 32, now_ms=0, lasts_ms=24 * HOUR_MS, address="", user_agent="")
    assert sessions.find_live(b"h" * 32, 10 * HOUR_MS - 1) == made
    assert sessions.find_live(b"h" * 32, 10 * HOUR_MS) is None
    for hour in (9, 18):
        found = sessions.find_live(b"h" * 32, hour * HOUR_MS)
        assert found is not None
        sessions.touch(found, hour * HOUR_MS)
    assert sessions.find_live(b"h" * 32, 24 * HOUR_MS - 1) is not None
    assert sessions.find_live(b"h" * 32, 24 * HOUR_MS) is None


def test_noting_a_session_s_use_waits_for_a_writer_only_where_the_session_may_end(meta: Meta) -> None:
    user = Users(meta).create("ann@example.com", password_hash="h", now_ms=0)
    sessions = LoginSessions(meta, idle_ms=10 * HOUR_MS)
    made = sessions.create(user.id, secret_hash=b"h" * 32, now_ms=0, lasts_ms=24 * HOUR_MS, address="", user_agent="")
    with ThreadPoolExecutor(1) as pool:
        with meta.transaction():
            pool.submit(sessions.touch, made, 5 * HOUR_MS - 1).result(WAIT_S)
            meta.writer_wait_s = 0.05
            with pytest.raises(Unavailable, match=r"busy for 0\.05 seconds"):
                pool.submit(sessions.touch, made, 5 * HOUR_MS).result(WAIT_S)
        assert sessions.find_live(b"h" * 32, HOUR_MS) == made
        pool.submit(sessions.touch, made, HOUR_MS).result(WAIT_S)
    found = sessions.find_live(b"h" * 32, HOUR_MS)
    assert found is not None
    assert found.last_used_ms == HOUR_MS


def test_what_has_ended_of_login_sessions_leaves_the_disk_without_another_login(meta: Meta) -> None:
    user = Users(meta).create("ann@example.com", password_hash="h", now_ms=0)
    sessions = LoginSessions(meta, idle_ms=10 * HOUR_MS)
    lasts = zip((b"a", b"b", b"c"), (5, 20, 20), strict=True)
    *_, used = [
        sessions.create(user.id, secret_hash=hash_ * 32, now_ms=0, lasts_ms=hours * HOUR_MS, address="", user_agent="")
        for hash_, hours in lasts
    ]
    sessions.touch(used, 8 * HOUR_MS)
    left = []
    for hour in (4, 8, 12, 17, 18):
        sessions.forget_ended(hour * HOUR_MS)
        left.append(meta.rows("select count(*) from login_sessions")[0][0])
    assert left == [3, 2, 1, 1, 0]


def test_a_login_session_goes_with_its_user(meta: Meta) -> None:
    users = Users(meta)
    users.create("root@example.com", password_hash="h", now_ms=0, is_instance_admin=True)
    user = users.create("ann@example.com", password_hash="h", now_ms=0)
    sessions = LoginSessions(meta, idle_ms=HOUR_MS)
    sessions.create(user.id, secret_hash=b"h" * 32, now_ms=0, lasts_ms=HOUR_MS, address="", user_agent="")
    users.delete(user.id)
    assert sessions.find_live(b"h" * 32, 1) is None
    assert meta.rows("select count(*) from login_sessions") == [(0,)]
