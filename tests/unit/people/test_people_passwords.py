"""Choosing a new password while somebody else does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sv.auth.passwords import hash_password, verify_password
from sv.auth.permissions import Principal
from sv.meta.db import Meta
from sv.model.access import Actor
from sv.model.errors import ValidationFailed
from sv.people import logins
from sv.people.people import People
from sv.people.users import set_password

ADMIN = Actor("user", "root", "root@example.com")
OLD, CHOSEN, GIVEN = "old correct horse", "new correct horse", "given by an administrator"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with Meta.open(tmp_path / "sv.db") as meta:
        yield People(meta, now_ms=lambda: 1, monotonic_s=lambda: 0.0)


@pytest.mark.parametrize("is_overtaken", [False, True])
def test_a_password_that_an_administrator_gives_is_not_lost_to_who_knew_the_old_one(
    people: People, monkeypatch: pytest.MonkeyPatch, *, is_overtaken: bool
) -> None:
    user = people.users.create("ann@example.com", password_hash=hash_password(OLD), now_ms=1)

    def hashed_slowly(password: str) -> str:
        if is_overtaken:
            set_password(people, ADMIN, user, hash_password(GIVEN))
        return hash_password(password)

    monkeypatch.setattr(logins, "hash_password", hashed_slowly)
    ann = Principal(kind="user", scopes=frozenset(), project_id=None, user_id=user.id, session_id="s", name=user.email)
    if is_overtaken:
        with pytest.raises(ValidationFailed, match="current_password"):
            logins.change_own_password(people, ann, OLD, CHOSEN, "127.0.0.1")
    else:
        logins.change_own_password(people, ann, OLD, CHOSEN, "127.0.0.1")
    known = people.users.find_login(user.email)
    assert known is not None
    assert verify_password(known[1], GIVEN if is_overtaken else CHOSEN)
