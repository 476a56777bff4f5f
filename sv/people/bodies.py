"""From decoded JSON to what is to be changed.

Answers for naming every wrong field at once. Whether a name, a timezone or an address can be is judged where it is kept.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from sv.auth.passwords import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from sv.meta.names import MAX_NAME_CHARS
from sv.meta.projects import PROJECT_ID
from sv.model import limits
from sv.model.access import Role, Scope
from sv.model.project_settings import ProjectSettings, change_project_settings
from sv.model.validate import Fields, Problems, read_choice, read_text, repair

MAX_TEXT_CHARS: Final = 1000
"""Of addresses and projects' ids before they are judged."""

AN_ADDRESS: Final = "an address such as ann@example.com"
A_PASSWORD: Final = f"a string of {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS:,} characters"
A_KNOWN_PASSWORD: Final = f"a string of 1 to {MAX_PASSWORD_CHARS:,} characters"
"""In whatever way it was chosen: `sv dev` has a short one."""

A_DATETIME: Final = "an ISO 8601 datetime from 1970 to 9999, such as 2025-01-31T12:00:00Z"

PROJECT_FIELDS: Final = ("name", "timezone", "settings")
NEW_PROJECT_FIELDS: Final = (*PROJECT_FIELDS, "id")
ROTATION_FIELDS: Final = ("overlap_hours",)
NEW_TOKEN_FIELDS: Final = ("name", "scopes", "project_id", "expires_at")
USER_FIELDS: Final = ("password", "is_instance_admin", "memberships")
NEW_USER_FIELDS: Final = ("email", *USER_FIELDS)
MEMBERSHIP_FIELDS: Final = ("project_id", "role")
NEW_MEMBER_FIELDS: Final = ("email", "role")
MEMBER_FIELDS: Final = ("role",)
LOGIN_FIELDS: Final = ("email", "password")
PASSWORD_FIELDS: Final = ("current_password", "new_password")


class ProjectChange(Struct, frozen=True, kw_only=True):
    """None: as it is. settings: a JSON object with what changes in them. project_id: for a new one; None makes one up."""

    name: str | None = None
    timezone: str | None = None
    settings: object = None
    project_id: str | None = None


class NewToken(Struct, frozen=True, kw_only=True):
    """project_id None: all projects, and the instance. expires_ms None: until it is revoked."""

    name: str
    scopes: frozenset[Scope]
    project_id: str | None = None
    expires_ms: int | None = None


class UserChange(Struct, frozen=True, kw_only=True):
    """None: as it is. roles: by project; None takes the user's part in it away. email: for a new one."""

    email: str = ""
    password: str | None = None
    is_instance_admin: bool | None = None
    roles: tuple[tuple[str, Role | None], ...] = ()


def parse_project(body: object, *, is_new: bool) -> ProjectChange:
    """Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", NEW_PROJECT_FIELDS if is_new else PROJECT_FIELDS, problems)
    name = _name(fields, is_required=is_new)
    settings = fields.get("settings")
    if settings is not None:
        change_project_settings(ProjectSettings(), settings, problems)
    change = ProjectChange(
        name=name,
        timezone=fields.text("timezone", limits.MAX_TIMEZONE_CHARS),
        settings=settings,
        project_id=_new_id(fields) if is_new else None,
    )
    problems.finish()
    return change


def parse_rotation(body: object) -> int:
    """How long the old project token stays good, in milliseconds. Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", ROTATION_FIELDS, problems)
    hours = fields.whole("overlap_hours", 0, limits.MAX_OVERLAP_HOURS, limits.OVERLAP_HOURS_DEFAULT)
    problems.finish()
    return hours * limits.HOUR_MS


def parse_token(body: object) -> NewToken:
    """Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", NEW_TOKEN_FIELDS, problems)
    scopes = [read_choice(item, path, Scope, problems) for path, item in fields.items("scopes", 1, len(Scope))]
    token = NewToken(
        name=_name(fields, is_required=True) or "",
        scopes=frozenset(scope for scope in scopes if scope is not None),
        project_id=fields.text("project_id", MAX_TEXT_CHARS),
        expires_ms=_moment(fields, "expires_at"),
    )
    problems.finish()
    return token


def parse_user(body: object, *, is_new: bool) -> UserChange:
    """Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", NEW_USER_FIELDS if is_new else USER_FIELDS, problems)
    roles: dict[str, Role | None] = {}
    for path, item in fields.items("memberships", 0, limits.MAX_MEMBERSHIPS):
        inner = Fields(item, path, MEMBERSHIP_FIELDS, problems)
        project_id = _text(inner, "project_id", "the id of a project", is_required=isinstance(item, dict)) or ""
        if project_id in roles:
            problems.unexpected(inner.at("project_id"), "each project once", project_id)
        role = inner.get("role")
        if role is None and is_new and isinstance(item, dict):
            problems.add(inner.at("role"), "required: one of " + ", ".join(Role))
        roles[project_id] = None if role is None else read_choice(role, inner.at("role"), Role, problems)
    flag = fields.get("is_instance_admin")
    change = UserChange(
        email=(_text(fields, "email", AN_ADDRESS, is_required=True) or "") if is_new else "",
        password=None if fields.get("password") is None else _secret(fields, "password", A_PASSWORD, MAX_PASSWORD_CHARS),
        is_instance_admin=None if flag is None else fields.flag("is_instance_admin", False),
        roles=tuple(roles.items()),
    )
    problems.finish()
    return change


def parse_new_member(body: object) -> tuple[str, Role]:
    """An address and a role. Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", NEW_MEMBER_FIELDS, problems)
    email = _text(fields, "email", AN_ADDRESS, is_required=True) or ""
    role = _role(fields)
    problems.finish()
    return email, role


def parse_member(body: object) -> Role | None:
    """The role to change to; None for a body that says nothing. Null is none that a member can have. Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", MEMBER_FIELDS, problems)
    role = None if body == {} else _role(fields)
    problems.finish()
    return role


def parse_login(body: object) -> tuple[str, str]:
    """An address and a password, as they are: whether they can be isn't told. Errors: ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", LOGIN_FIELDS, problems)
    email = _secret(fields, "email", f"a string of 1 to {MAX_TEXT_CHARS:,} characters", MAX_TEXT_CHARS)
    password = _secret(fields, "password", A_KNOWN_PASSWORD, MAX_PASSWORD_CHARS)
    problems.finish()
    return email, password


def parse_password_change(body: object) -> tuple[str, str]:
    """The current password and the new one. Errors: ValidationFailed, which never repeats either."""
    problems = Problems()
    fields = Fields(body, "", PASSWORD_FIELDS, problems)
    current = _secret(fields, "current_password", A_KNOWN_PASSWORD, MAX_PASSWORD_CHARS)
    chosen = _secret(fields, "new_password", A_PASSWORD, MAX_PASSWORD_CHARS)
    if 0 < len(chosen) < MIN_PASSWORD_CHARS:
        problems.add("new_password", f"expected {A_PASSWORD}, got {len(chosen)}")
    problems.finish()
    return current, chosen


def _secret(fields: Fields, name: str, expected: str, longest: int) -> str:
    """A string of 1 to `longest` characters. One that is too short to be chosen is for whoever keeps it to refuse."""
    value = fields.get(name)
    if isinstance(value, str) and 1 <= len(value) <= longest:
        return value
    # Not repeated in the answer, whatever it is: it may be a password in the wrong place.
    fields.problems.add(name, f"required: {expected}" if value is None else f"expected {expected}, got {_described(value)}")
    return ""


def _described(value: object) -> str:
    return f"{len(value):,}" if isinstance(value, str) else "something else"


def _role(fields: Fields) -> Role:
    value = fields.require("role", "one of " + ", ".join(Role))
    found = None if value is None else read_choice(value, fields.at("role"), Role, fields.problems)
    return found or Role.VIEWER


def _name(fields: Fields, *, is_required: bool) -> str | None:
    value = fields.require("name", f"a string of 1 to {MAX_NAME_CHARS} characters") if is_required else fields.get("name")
    return None if value is None else read_text(value, fields.at("name"), MAX_NAME_CHARS, fields.problems, trim=True)


def _new_id(fields: Fields) -> str | None:
    """A text, which is judged where projects are kept."""
    value = fields.get("id")
    if value is not None and not isinstance(value, str):
        fields.problems.unexpected("id", PROJECT_ID, value)
        return None
    return value


def _text(fields: Fields, name: str, expected: str, *, is_required: bool) -> str | None:
    value = fields.require(name, expected) if is_required else fields.get(name)
    text = repair(value) if isinstance(value, str) else ""
    if 1 <= len(text) <= MAX_TEXT_CHARS:
        return text
    if value is not None:
        fields.problems.unexpected(fields.at(name), expected, value)
    return None


def _moment(fields: Fields, name: str) -> int | None:
    """Unix milliseconds of an ISO 8601 datetime; without an offset it is UTC."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and isinstance(value, str) and len(value) > len("2025-01-31"):
            at_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
            if limits.MIN_TIMESTAMP_MS <= at_ms <= limits.MAX_TIMESTAMP_MS:
                return at_ms
    except (ValueError, OverflowError):
        pass
    fields.problems.unexpected(fields.at(name), A_DATETIME, value)
    return None
