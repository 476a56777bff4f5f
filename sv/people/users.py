"""Changes to users, and to who has which part in a project."""

from sv.meta.users import Member, User
from sv.model.access import Actor, Role
from sv.model.errors import Conflict, NotFound
from sv.model.validate import show
from sv.people.bodies import UserChange
from sv.people.people import People


def create_user(people: People, actor: Actor, new: UserChange, password_hash: str) -> User:
    """Raises ValidationFailed, Conflict for an address that has an account, NotFound for an unknown project."""
    with people.meta.together():
        user = people.users.create(
            new.email, password_hash=password_hash, now_ms=people.now_ms(), is_instance_admin=bool(new.is_instance_admin)
        )
        after = {"email": user.email, "is_instance_admin": user.is_instance_admin}
        people.note(actor, "user.create", (user.id, user.email), after=after)
        _set_roles(people, actor, user, new)
    return user


def change_user(people: People, actor: Actor, user_id: str, change: UserChange, password_hash: str | None = None) -> User:
    """Change what is given; with a new password every login session of the user ends.

    Raises NotFound for the user or a project, Conflict rather than leave nobody who may administer the instance.
    """
    with people.meta.together():
        user = people.users.get(user_id)
        if change.is_instance_admin is not None and change.is_instance_admin != user.is_instance_admin:
            people.users.set_instance_admin(user_id, change.is_instance_admin)
            before, after = ({"is_instance_admin": flag} for flag in (user.is_instance_admin, change.is_instance_admin))
            people.note(actor, "user.update", (user.id, user.email), before=before, after=after)
        if password_hash is not None:
            set_password(people, actor, user, password_hash)
        _set_roles(people, actor, user, change)
        return people.users.get(user_id)


def set_password(people: People, actor: Actor, user: User, password_hash: str, but_session: str | None = None) -> None:
    """A new password; every login session of the user ends, but the one in which they chose it."""
    with people.meta.together():
        people.users.set_password_hash(user.id, password_hash)
        people.login_sessions.end_all(user.id, but_session)
        people.note(actor, "user.password", (user.id, user.email))


def delete_user(people: People, actor: Actor, user_id: str) -> None:
    """Remove the account, its roles and its login sessions. Raises NotFound, and Conflict for the last who may administer."""
    with people.meta.together():
        user = people.users.get(user_id)
        for membership in people.users.roles_of(user_id):
            _note_role(people, actor, user, membership.project_id, membership.role, None)
        before = {"email": user.email, "is_instance_admin": user.is_instance_admin}
        people.users.delete(user_id)
        people.note(actor, "user.delete", (user.id, user.email), before=before)


def add_member(people: People, actor: Actor, project_id: str, email: str, role: Role) -> Member:
    """Give the account of an address a part in the project. Raises NotFound for no such account, Conflict where it has one."""
    with people.meta.together():
        known = people.users.find_login(email)
        if known is None:
            raise NotFound(f"no user {show(email)}; who administers the instance makes accounts (email)")
        if people.users.role_in(known[0].id, project_id) is not None:
            raise Conflict(f"{show(known[0].email)} is a member already; change the role instead (email)")
        return set_member(people, actor, project_id, known[0], role)


def change_member(people: People, actor: Actor, project_id: str, user_id: str, role: Role | None) -> Member:
    """Change a member's role; None leaves it. Raises NotFound for whoever is no member, also where there is such a user."""
    with people.meta.together():
        held = _role_of(people, project_id, user_id)
        return set_member(people, actor, project_id, people.users.get(user_id), role or held)


def remove_member(people: People, actor: Actor, project_id: str, user_id: str) -> None:
    """Take a member's part in the project away. Raises as `change_member` does."""
    with people.meta.together():
        _role_of(people, project_id, user_id)
        _set_role(people, actor, people.users.get(user_id), project_id, None)


def _role_of(people: People, project_id: str, user_id: str) -> Role:
    held = people.users.role_in(user_id, project_id)
    if held is None:
        raise NotFound(f"no member {show(user_id)} in this project (user_id)")
    return held


def set_member(people: People, actor: Actor, project_id: str, user: User, role: Role) -> Member:
    """Make the user that in the project, whatever they were. Raises NotFound for an unknown project."""
    with people.meta.together():
        _set_role(people, actor, user, project_id, role)
        (membership,) = [held for held in people.users.roles_of(user.id) if held.project_id == project_id]
    return Member(user_id=user.id, email=user.email, role=membership.role, created_ms=membership.created_ms)


def _set_roles(people: People, actor: Actor, user: User, change: UserChange) -> None:
    for project_id, role in change.roles:
        _set_role(people, actor, user, project_id, role)


def _set_role(people: People, actor: Actor, user: User, project_id: str, role: Role | None) -> None:
    old = people.users.role_in(user.id, project_id)
    if old != role:
        people.users.set_role(user.id, project_id, role, people.now_ms())
        _note_role(people, actor, user, project_id, old, role)


def _note_role(people: People, actor: Actor, user: User, project_id: str, old: Role | None, role: Role | None) -> None:
    action = "member.add" if old is None else "member.remove" if role is None else "member.update"
    before, after = (None if each is None else {"role": each.value} for each in (old, role))
    people.note(actor, action, (user.id, user.email), project_id=project_id, before=before, after=after)
