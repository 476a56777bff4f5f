"""Who may do what, as one table."""

import itertools

import pytest

from sv.auth.permissions import Principal, require, scopes_of
from sv.model.access import Role, Scope
from sv.model.errors import NotAuthenticated, NotAuthorized

READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN


def who(*scopes: Scope, project_id: str | None = "shop") -> Principal:
    return Principal(kind="api_token", scopes=frozenset(scopes), project_id=project_id, token_id="t")


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        ((), ()),
        ((READ,), (READ,)),
        ((WRITE,), (READ, WRITE)),
        ((ADMIN,), (READ, WRITE, ADMIN)),
        ((READ, WRITE), (READ, WRITE)),
        ((READ, ADMIN), (READ, WRITE, ADMIN)),
    ],
)
def test_admin_contains_write_and_write_contains_read(held: tuple[Scope, ...], allowed: tuple[Scope, ...]) -> None:
    for scope in Scope:
        if scope in allowed:
            assert require(who(*held), scope, "shop") == who(*held)
        else:
            with pytest.raises(NotAuthorized, match=scope):
                require(who(*held), scope, "shop")


def test_nobody_is_asked_to_say_who_they_are() -> None:
    for scope, project_id in itertools.product(Scope, ["shop", None]):
        with pytest.raises(NotAuthenticated):
            require(None, scope, project_id)


@pytest.mark.parametrize("project_id", ["other", "Shop", "", None])
def test_a_principal_of_one_project_has_no_part_in_anything_else(project_id: str | None) -> None:
    for scope in Scope:
        with pytest.raises(NotAuthorized):
            require(who(ADMIN), scope, project_id)


def test_a_principal_of_all_projects_may_act_in_each_and_on_the_instance() -> None:
    everywhere = who(ADMIN, project_id=None)
    for scope, project_id in itertools.product(Scope, ["shop", "other", None]):
        assert require(everywhere, scope, project_id) is everywhere


def test_reading_everywhere_is_not_administering_the_instance() -> None:
    with pytest.raises(NotAuthorized):
        require(who(READ, project_id=None), ADMIN, None)


def test_roles_are_scopes_in_a_project() -> None:
    assert scopes_of(None) == set()
    assert scopes_of(Role.VIEWER) == {READ}
    assert scopes_of(Role.EDITOR) == {READ, WRITE}
    assert scopes_of(Role.ADMIN) == {READ, WRITE, ADMIN}
