"""People who log in: an address, a hashed password, and a role in each project.

An address has one account, whatever its case, and there is always somebody left who may administer the instance. Hashing and judging
passwords are `sv.auth`'s.
"""

import unicodedata
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.db import Meta, Row
from sv.meta.errors import is_taken
from sv.meta.ids import random_id
from sv.meta.paging import read_page
from sv.meta.rows import columns, to_struct
from sv.model.access import Role
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.paging import PageQuery
from sv.model.validate import repair, show

MAX_EMAIL_CHARS: Final = 254
"""RFC 5321's longest path, without its brackets."""


class User(Struct, frozen=True, kw_only=True):
    """email: as it was given. is_instance_admin: may do everything in every project. created_ms: Unix milliseconds."""

    id: str
    email: str
    is_instance_admin: bool
    created_ms: int


class Membership(Struct, frozen=True):
    """What a user is in one project. created_ms: since when they have a part in it; 0 where that isn't known."""

    user_id: str
    project_id: str
    role: Role
    created_ms: int = 0


class Member(Struct, frozen=True, kw_only=True):
    """A membership with its user's address."""

    user_id: str
    email: str
    role: Role
    created_ms: int


_SELECT = f"select {columns(User)} from users"
_MEMBERS = "select m.user_id, u.email, m.role, m.created_ms from memberships m join users u on u.id = m.user_id"
_MEMBERSHIPS = f"select {columns(Membership)} from memberships"


class Users:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def create(self, email: str, *, password_hash: str, now_ms: int, is_instance_admin: bool = False) -> User:
        """A new account. Raises ValidationFailed for what is no address, Conflict for one that has an account."""
        email = _checked_email(email)
        user_id = random_id()
        with self._meta.transaction() as writer:
            try:
                writer.execute(
                    """
                    insert into users (id, email, email_key, password_hash, is_instance_admin, created_ms)
                    values (?, ?, ?, ?, ?, ?)
                    """,
                    (user_id, email, email_key(email), password_hash, is_instance_admin, now_ms),
                )
            except apsw.ConstraintError as error:
                if is_taken(error):
                    raise Conflict(f"a user {show(email)} exists already (email)") from error
                raise
        return self.get(user_id)

    def find_login(self, email: str) -> tuple[User, str] | None:
        """The account of an address, and its password hash; None where there is none."""
        row = self._meta.row(f"select {columns(User)}, password_hash from users where email_key = ?", email_key(email))
        return None if row is None else (_to_user(row[:-1]), str(row[-1]))

    def find(self, user_id: str) -> User | None:
        """The account; None where there is none."""
        row = self._meta.row(f"{_SELECT} where id = ?", user_id)
        return None if row is None else _to_user(row)

    def get(self, user_id: str) -> User:
        """As `find`, but raises NotFound."""
        user = self.find(user_id)
        if user is None:
            raise NotFound(f"no user {show(user_id)} (user_id)")
        return user

    def list_all(self) -> list[User]:
        """Every user, newest first."""
        return [_to_user(row) for row in self._meta.rows(f"{_SELECT} order by created_ms desc, id")]

    def page(self, query: PageQuery) -> list[User]:
        """Users, newest first, and one more than the page has."""
        return [_to_user(row) for row in read_page(self._meta, _SELECT, (), query)]

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Raises NotFound."""
        with self._meta.transaction() as writer:
            writer.execute("update users set password_hash = ? where id = ?", (password_hash, user_id))
            _expect_change(writer, user_id)

    def set_instance_admin(self, user_id: str, is_instance_admin: bool) -> None:
        """Raises NotFound, and Conflict rather than leave nobody who may administer."""
        with self._meta.transaction() as writer:
            writer.execute("update users set is_instance_admin = ? where id = ?", (is_instance_admin, user_id))
            _expect_change(writer, user_id)
            if not is_instance_admin:
                _expect_an_admin(writer)

    def delete(self, user_id: str) -> None:
        """Remove the account and its roles. Raises NotFound, and Conflict for the last who may administer."""
        with self._meta.transaction() as writer:
            writer.execute("delete from users where id = ?", (user_id,))
            _expect_change(writer, user_id)
            _expect_an_admin(writer)

    def set_role(self, user_id: str, project_id: str, role: Role | None, now_ms: int = 0) -> None:
        """Give the user this role in the project; None takes the role away. Raises NotFound for either of them."""
        self.get(user_id)
        with self._meta.transaction() as writer:
            if role is None:
                writer.execute("delete from memberships where user_id = ? and project_id = ?", (user_id, project_id))
                return
            writer.execute(
                """
                insert into memberships (user_id, project_id, role, created_ms)
                select u.id, p.id, ?, ?
                from users u, projects p
                where u.id = ? and p.id = ? and p.deleted_ms is null
                on conflict (user_id, project_id) do update set role = excluded.role
                """,
                (role, now_ms, user_id, project_id),
            )
            if not writer.changes():
                raise NotFound(f"no project {show(project_id)} (project_id)")

    def roles_of(self, user_id: str) -> list[Membership]:
        """The user's roles, by project id."""
        rows = self._meta.rows(f"{_MEMBERSHIPS} where user_id = ? order by project_id", user_id)
        return [to_struct(Membership, row) for row in rows]

    def role_in(self, user_id: str, project_id: str) -> Role | None:
        """The user's role in the project, instance administrators aside; None for none."""
        row = self._meta.row(f"{_MEMBERSHIPS} where user_id = ? and project_id = ?", user_id, project_id)
        return None if row is None else to_struct(Membership, row).role

    def page_of_members(self, project_id: str, query: PageQuery) -> list[Member]:
        """Who has a role in the project, newest first, and one more than the page has."""
        rows = read_page(
            self._meta, _MEMBERS, [("m.project_id = ?", project_id)], query, ts="m.created_ms", id_column="m.user_id"
        )
        return [to_struct(Member, row) for row in rows]


def _to_user(row: Row) -> User:
    return to_struct(User, row)


def email_key(email: str) -> str:
    """One form for all spellings of an address: case folded, composed, trimmed."""
    return unicodedata.normalize("NFC", repair(email).strip().casefold())


def _checked_email(email: str) -> str:
    trimmed = repair(email).strip()
    local, at, domain = trimmed.rpartition("@")
    is_plain = trimmed.isprintable() and " " not in trimmed
    if local and at and domain and is_plain and len(trimmed) <= MAX_EMAIL_CHARS:
        return trimmed
    raise ValidationFailed.at("email", f"expected an address such as ann@example.com, got {show(email)}")


def _expect_change(writer: apsw.Connection, user_id: str) -> None:
    if not writer.changes():
        raise NotFound(f"no user {show(user_id)} (user_id)")


def _expect_an_admin(writer: apsw.Connection) -> None:
    if not writer.execute("select 1 from users where is_instance_admin limit 1").fetchall():
        raise Conflict("this is the last user who may administer the instance; make another one first")
