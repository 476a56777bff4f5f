"""Users: one account to an address, roles by project, and always somebody who may administer."""

import pytest
from meta_rig import NOW, make_project

from sv.meta.db import Meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.meta.users import Membership, User, Users
from sv.model.access import Role
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.paging import PageQuery


@pytest.fixture
def users(meta: Meta) -> Users:
    return Users(meta)


def make(users: Users, email: str = "ann@example.com", *, admin: bool = False, now_ms: int = NOW) -> User:
    return users.create(email, password_hash="$argon2id$…", now_ms=now_ms, is_instance_admin=admin)


def test_a_user_is_found_by_the_address_in_any_case(users: Users) -> None:
    made = make(users, " Änn@Example.com ")
    assert made.email == "Änn@Example.com"
    for email in ("Änn@Example.com", "äNN@EXAMPLE.COM", "a\u0308nn@example.com", " änn@example.com"):
        assert users.find_login(email) == (made, "$argon2id$…")
    assert users.find_login("ann@example.com") is None
    made = make(users, "straße@example.com")
    assert users.find_login("STRASSE@example.com") == (made, "$argon2id$…")
    assert users.find_login("\ud800") is None


def test_one_address_has_one_account(users: Users) -> None:
    make(users)
    with pytest.raises(Conflict, match="ANN"):
        make(users, "ANN@EXAMPLE.COM")


@pytest.mark.parametrize("email", ["", "ann", "@", "ann@", "@example.com", "a b@c", "a@b\n@c", "x" * 251 + "@b.c"])
def test_what_is_no_address_is_refused(users: Users, email: str) -> None:
    with pytest.raises(ValidationFailed, match="email"):
        make(users, email)


def test_a_nul_in_an_address_is_repaired_as_everywhere(users: Users) -> None:
    assert make(users, "a\0@b").email == "a\ufffd@b"


def test_the_address_of_the_development_user_is_one(users: Users) -> None:
    assert make(users, "dev@localhost").email == "dev@localhost"


def test_users_are_listed_newest_first(users: Users) -> None:
    made = [make(users, f"u{n}@example.com", now_ms=NOW + n) for n in range(3)]
    assert users.list_all() == made[::-1]


def test_a_password_can_be_changed(users: Users) -> None:
    made = make(users)
    users.set_password_hash(made.id, "new")
    assert users.find_login(made.email) == (made, "new")
    with pytest.raises(NotFound):
        users.set_password_hash("unknown", "new")


def test_the_last_administrator_can_neither_go_nor_step_down(users: Users) -> None:
    first, second = make(users, "a@x", admin=True), make(users, "b@x", admin=True)
    users.set_instance_admin(first.id, False)
    for change in (lambda: users.delete(second.id), lambda: users.set_instance_admin(second.id, False)):
        with pytest.raises(Conflict):
            change()
    assert users.get(second.id).is_instance_admin
    users.set_instance_admin(first.id, True)
    users.delete(second.id)
    assert users.list_all() == [first]


def test_a_role_is_for_one_project_and_the_last_one_set(meta: Meta, users: Users) -> None:
    make_project(meta, "a")
    make_project(meta, "b")
    ann = make(users)
    users.set_role(ann.id, "a", Role.VIEWER)
    users.set_role(ann.id, "a", Role.EDITOR)
    assert users.role_in(ann.id, "a") == Role.EDITOR
    assert users.role_in(ann.id, "b") is None
    assert users.roles_of(ann.id) == [Membership(ann.id, "a", Role.EDITOR)]
    users.set_role(ann.id, "a", None)
    assert users.roles_of(ann.id) == []


def test_roles_are_for_users_and_projects_that_exist(meta: Meta, users: Users) -> None:
    make_project(meta, "a")
    ann = make(users)
    with pytest.raises(NotFound, match="project"):
        users.set_role(ann.id, "unknown", Role.VIEWER)
    with pytest.raises(NotFound, match="user"):
        users.set_role("unknown", "a", Role.VIEWER)


def test_roles_go_with_the_user_and_with_the_project(meta: Meta, users: Users) -> None:
    make_project(meta, "a")
    make_project(meta, "b")
    ann, bob = make(users, "ann@x", admin=True), make(users, "bob@x")
    for project in "ab":
        users.set_role(ann.id, project, Role.ADMIN)
        users.set_role(bob.id, project, Role.VIEWER)
    users.delete(bob.id)
    assert [(member.user_id, member.role) for member in users.page_of_members("a", PageQuery())] == [(ann.id, Role.ADMIN)]
    Projects(meta, ProjectTokens(meta)).delete("a", NOW)
    assert users.roles_of(ann.id) == [Membership(ann.id, "b", Role.ADMIN)]
