"""Bodies and answers of the routes about people, projects and tokens as structs, for their JSON Schemas. As `schemas_requests` and
`schemas_answers` they are for the document alone, and tests hold them to `sv.people.bodies` and to what the server answers."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from sv.auth.passwords import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from sv.meta.names import MAX_NAME_CHARS
from sv.model import limits
from sv.model.access import Role, Scope
from sv.model.project_settings import Identity
from sv.people.bodies import MAX_TEXT_CHARS
from sv.web.openapi.schemas_answers import ListMeta, Time

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
Name: TypeAlias = Annotated[
    Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)],
    Meta(description="For people to read; no control characters, and what is blank around it is cut off.", examples=["My shop"]),
]
ProjectId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9][a-z0-9_-]*$")]
Email: TypeAlias = Annotated[
    Text, Meta(description="An address such as ann@example.com, in any case.", examples=["ann@example.com"])
]
Zone: TypeAlias = Annotated[
    Annotated[str, Meta(min_length=1, max_length=limits.MAX_TIMEZONE_CHARS)] | None,
    Meta(description="IANA name; days of reports begin there.", examples=["Europe/Berlin"]),
]
Days: TypeAlias = Annotated[
    Annotated[int, Meta(ge=1, le=limits.MAX_RETENTION_DAYS)] | None,
    Meta(description="Days that they are kept; null for ever."),
]
Password: TypeAlias = Annotated[
    Annotated[str, Meta(min_length=MIN_PASSWORD_CHARS, max_length=MAX_PASSWORD_CHARS)] | None,
    Meta(description="For a new user: absent, one is made up and shown once."),
]

KnownPassword: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARS)]


class ProjectSettings(Struct, forbid_unknown_fields=True):
    """A change names what it changes; the rest stays as it is."""

    identity: Annotated[
        Identity | None,
        Meta(
            description="`merged` counts a person's earlier anonymous events as the user's whom they turn out to be; `forward` doesn't."
        ),
    ] = Identity.FORWARD
    event_retention_days: Days = None
    recording_retention_days: Days = None
    autocapture: Annotated[
        bool | None, Meta(description="Whether the browser client captures page views, clicks, forms and rage clicks by itself.")
    ] = True
    respect_do_not_track: Annotated[
        bool | None,
        Meta(description="Whether it leaves visitors alone whose browser asks for that (Do Not Track, Global Privacy Control)."),
    ] = True
    recording_sample_rate: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None, Meta(description="The share of sessions that it records, 0 to 1.")
    ] = 0.0
    mask_all_inputs: Annotated[bool | None, Meta(description="Whether recordings hide what is typed.")] = True
    mask_all_text: Annotated[bool | None, Meta(description="Whether recordings hide all text.")] = False


class ProjectRequest(Struct, forbid_unknown_fields=True):
    name: Name
    timezone: Zone = None
    settings: ProjectSettings | None = None
    id: Annotated[ProjectId | None, Meta(description="Absent: made up.", examples=["shop"])] = None


class ProjectChange(Struct, forbid_unknown_fields=True):
    name: Name | None = None
    timezone: Zone = None
    settings: ProjectSettings | None = None


class RotationRequest(Struct, forbid_unknown_fields=True):
    overlap_hours: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_OVERLAP_HOURS)] | None, Meta(description="How long the old token stays good.")
    ] = limits.OVERLAP_HOURS_DEFAULT


class ApiTokenRequest(Struct, forbid_unknown_fields=True):
    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope), description="Each contains the one before.")]
    project_id: Annotated[Text | None, Meta(description="The one project it is for; null: all of them, and the instance.")] = None
    expires_at: Annotated[
        str | None, Meta(description="ISO 8601; without an offset it is UTC.", examples=["2030-01-31T12:00:00Z"])
    ] = None


class MembershipRequest(Struct, forbid_unknown_fields=True):
    project_id: Text
    role: Role


class MembershipChange(Struct, forbid_unknown_fields=True):
    project_id: Text
    role: Annotated[Role | None, Meta(description="null takes the user's part in the project away.")] = None


class UserRequest(Struct, forbid_unknown_fields=True):
    email: Email
    password: Password = None
    is_instance_admin: Annotated[bool | None, Meta(description="Whether they may do everything in every project.")] = False
    memberships: Annotated[list[MembershipRequest], Meta(max_length=limits.MAX_MEMBERSHIPS)] | None = None


class UserChange(Struct, forbid_unknown_fields=True):
    password: Password = None
    is_instance_admin: bool | None = None
    memberships: Annotated[
        Annotated[list[MembershipChange], Meta(max_length=limits.MAX_MEMBERSHIPS)] | None,
        Meta(description="Roles that change; those in other projects stay."),
    ] = None


class MemberRequest(Struct, forbid_unknown_fields=True):
    email: Email
    role: Role


class MemberChange(Struct, forbid_unknown_fields=True):
    role: Role | UnsetType = UNSET


class LoginRequest(Struct, forbid_unknown_fields=True):
    email: Text
    password: KnownPassword


class PasswordChange(Struct, forbid_unknown_fields=True):
    current_password: KnownPassword
    new_password: Annotated[str, Meta(min_length=MIN_PASSWORD_CHARS, max_length=MAX_PASSWORD_CHARS)]


# ---- Answers ----


class ShownSettings(Struct):
    identity: Identity
    event_retention_days: int | None
    recording_retention_days: int | None
    autocapture: bool
    respect_do_not_track: bool
    recording_sample_rate: Annotated[float, Meta(ge=0, le=1)]
    mask_all_inputs: bool
    mask_all_text: bool


class Project(Struct):
    id: str
    name: str
    timezone: str
    settings: ShownSettings
    created_at: Time


class ProjectList(Struct):
    data: list[Project]
    meta: ListMeta


class ProjectWithToken(Project):
    project_token: Annotated[str, Meta(description="For SDKs: it can only write.")]


class ShownProjectToken(Struct):
    token: str
    created_at: Time
    expires_at: Time | None


class WholeProject(Project):
    project_tokens: Annotated[
        list[ShownProjectToken] | None,
        Meta(description="Those that are good, newest first; null for callers who don't administer it."),
    ]


class ApiToken(Struct):
    id: str
    name: str
    prefix: Annotated[str, Meta(description="The secret's first characters.")]
    scopes: list[Scope]
    project_id: Annotated[str | None, Meta(description="null: all projects, and the instance.")]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Annotated[Time | None, Meta(description="Right to a minute.")]


class ApiTokenList(Struct):
    data: list[ApiToken]
    meta: ListMeta


class ApiTokenWithSecret(ApiToken):
    token: Annotated[str, Meta(description="The secret. Shown here and never again.")]


class Membership(Struct):
    project_id: str
    role: Role


class User(Struct):
    id: str
    email: str
    is_instance_admin: bool
    memberships: list[Membership]
    created_at: Time


class UserList(Struct):
    data: list[User]
    meta: ListMeta


class UserWithPassword(User):
    password: Annotated[str | None, Meta(description="Where it was made up: shown here and never again.")]


class Member(Struct):
    user_id: str
    email: str
    role: Role
    created_at: Annotated[Time, Meta(description="Since when they have a part in the project.")]


class MemberList(Struct):
    data: list[Member]
    meta: ListMeta


class OwnUser(Struct):
    id: str
    email: str
    is_instance_admin: bool
    created_at: Time


class OwnProject(Struct):
    id: str
    name: str
    timezone: str
    role: Role


class Me(Struct):
    user: OwnUser
    projects: Annotated[list[OwnProject], Meta(max_length=limits.MAX_MEMBERSHIPS, description="Newest first.")]


class LoginSession(Struct):
    id: str
    created_at: Time
    last_used_at: Annotated[Time, Meta(description="Right to a minute.")]
    expires_at: Time
    address: str
    user_agent: str
    is_current: Annotated[bool, Meta(description="Whether this request came by it.")]


class LoginSessionList(Struct):
    data: list[LoginSession]
    meta: ListMeta


class AuditActor(Struct):
    kind: Literal["user", "api_token", "cli"]
    id: Annotated[str | None, Meta(description="null for the command line.")]
    name: Annotated[str, Meta(description="The user's address, the token's name, or the operating system's user.")]


class AuditTarget(Struct):
    id: str
    name: str


class AuditEntry(Struct):
    id: str
    at: Time
    actor: AuditActor
    action: Annotated[str, Meta(examples=["project.update"])]
    project_id: str | None
    target: AuditTarget
    before: Annotated[dict[str, Any] | None, Meta(description="What changed, as it was. Never a secret.")]
    after: Annotated[dict[str, Any] | None, Meta(description="What changed, as it is then. Never a secret.")]


class AuditList(Struct):
    data: list[AuditEntry]
    meta: ListMeta
