"""What the operations about people, projects and tokens take and answer, by their ids. Answers for the same as `operations` does."""

from typing import Any, Final

from sv.web.openapi import schemas_people as schemas
from sv.web.openapi import texts_people as texts
from sv.web.openapi.operation import JSON, PAGE_PARAMETERS, Answer, Operation

PEOPLE_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "login_session_id": {"description": "The login session's id, as the list shows it.", "schema": {"type": "string"}},
    "token_id": {"description": "The API token's id, which is not the token.", "schema": {"type": "string"}},
    "user_id": {"description": "The user's id.", "schema": {"type": "string"}},
}

PEOPLE_TAGS: Final = {
    "Login": "A person, with a browser.",
    "Projects": "Projects, their settings and project tokens.",
    "API tokens": "Secret tokens for programs.",
    "Users": "People who log in, and their roles.",
    "Audit": "Who changed what.",
}

_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_NO_PARAMETERS: Final = "limit: unknown parameter; this route takes none"
_FOREIGN: Final = "expected a request from a page of this server, got one from 'https://evil.example' (Origin)"
_LIMIT: Final = 'limit: expected a whole number from 1 to 1,000, got "0"'
_WRONG_NAME: Final = "name: expected a string of 1 to 100 characters, got 7"
_NO_USER: Final = 'no user "nobody" (user_id)'
_NO_MEMBER: Final = 'no member "nobody" in this project (user_id)'
_LAST_ADMIN: Final = "this is the last user who may administer the instance; make another one first"
_KEPT_PROJECT: Final = 'project "dev" is the one that `sv dev` always has; make another one to delete (project_id)'
_BODY: Final = {400: _NOT_JSON, 413: "", 415: ""}
_OF_PROJECT: Final = {404: ""}

PEOPLE_OPERATIONS: Final[dict[str, Operation]] = {
    "log_in": Operation(
        tag="Login",
        summary="Log in",
        description=texts.LOGIN,
        body={JSON: schemas.LoginRequest},
        answers={200: Answer("Logged in; `Set-Cookie` has the login session.", (schemas.Me,))},
        errors=_BODY
        | {
            401: "wrong e-mail or password",
            403: _FOREIGN,
            422: "password: required: a string of 1 to 1,024 characters",
            429: "",
            500: "",
            503: "",
        },
    ),
    "log_out": Operation(
        tag="Login",
        summary="Log out",
        description="Ends the login session of the cookie, and takes the cookie away.",
        answers={204: Answer("Logged out.")},
        errors={400: _NO_PARAMETERS},
    ),
    "get_me": Operation(
        tag="Login",
        summary="Who is logged in",
        description="The user, with the projects that they have a part in; for who administers the instance, with every project.",
        answers={200: Answer("The user and their projects.", (schemas.Me,))},
        errors={400: _NO_PARAMETERS},
    ),
    "change_password": Operation(
        tag="Login",
        summary="Choose another password",
        description=texts.OWN_CHANGE,
        body={JSON: schemas.PasswordChange},
        answers={204: Answer("Changed.")},
        errors=_BODY | {422: "current_password: it is another one", 429: ""},
    ),
    "list_login_sessions": Operation(
        tag="Login",
        summary="List one's own login sessions",
        description="Those that are good, newest first. There are at most 20: a login beyond ends the one that was used longest ago.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of login sessions.", (schemas.LoginSessionList,))},
        errors={400: _LIMIT},
    ),
    "end_login_session": Operation(
        tag="Login",
        summary="End one of one's own login sessions",
        description="At once, wherever it is.",
        answers={204: Answer("Ended.")},
        errors={400: _NO_PARAMETERS, 404: 'no login session "nothing" (login_session_id)'},
    ),
    "list_projects": Operation(
        tag="Projects",
        summary="List projects, newest first",
        description="Those alone that the caller may read.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of projects.", (schemas.ProjectList,))},
        errors={400: _LIMIT},
    ),
    "create_project": Operation(
        tag="Projects",
        summary="Make a project",
        description="The answer has its project token, which SDKs send events with.",
        body={JSON: schemas.ProjectRequest},
        answers={201: Answer("The project, with its project token.", (schemas.ProjectWithToken,))},
        errors=_BODY | {409: 'a project "dev" exists already, or did once (id)', 422: _WRONG_NAME},
    ),
    "get_project": Operation(
        tag="Projects",
        summary="Get one project",
        description="With its project tokens, for callers who administer it.",
        answers={200: Answer("The project.", (schemas.WholeProject,))},
        errors=_OF_PROJECT | {400: _NO_PARAMETERS},
    ),
    "change_project": Operation(
        tag="Projects",
        summary="Change a project",
        description=texts.PROJECT_CHANGE,
        body={JSON: schemas.ProjectChange},
        answers={200: Answer("The project as it is now.", (schemas.WholeProject,))},
        errors=_BODY | _OF_PROJECT | {422: _WRONG_NAME},
    ),
    "rotate_project_token": Operation(
        tag="Projects",
        summary="Give a project a new project token",
        description=texts.ROTATION,
        body={JSON: schemas.RotationRequest},
        needs_body=False,
        answers={200: Answer("The project, with the new project token.", (schemas.ProjectWithToken,))},
        errors=_BODY
        | _OF_PROJECT
        | {
            409: "10 project tokens are good already; wait for old ones to end, or rotate without an overlap",
            422: "overlap_hours: expected a whole number from 0 to 720, got 721",
        },
    ),
    "delete_project": Operation(
        tag="Projects",
        summary="Delete a project for good",
        description=texts.PROJECT_DELETION,
        answers={204: Answer("Deleted.")},
        errors=_OF_PROJECT | {400: _NO_PARAMETERS, 409: _KEPT_PROJECT},
    ),
    "list_members": Operation(
        tag="Users",
        summary="List who has a part in a project",
        description="Newest first. Who administers the instance has a part in every project and is not listed for it.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of members.", (schemas.MemberList,))},
        errors=_OF_PROJECT | {400: _LIMIT},
    ),
    "add_member": Operation(
        tag="Users",
        summary="Give a user a part in a project",
        description=texts.MEMBERS,
        body={JSON: schemas.MemberRequest},
        answers={201: Answer("The member.", (schemas.Member,))},
        errors=_BODY
        | {
            404: "",
            409: '"dev@localhost" is a member already; change the role instead (email)',
            422: "role: required: one of viewer, editor, admin",
        },
    ),
    "change_member": Operation(
        tag="Users",
        summary="Change a member's role",
        description="From their next request on.",
        body={JSON: schemas.MemberChange},
        answers={200: Answer("The member.", (schemas.Member,))},
        errors=_BODY | {404: _NO_MEMBER, 422: 'role: expected one of viewer, editor, admin, got "owner"'},
    ),
    "remove_member": Operation(
        tag="Users",
        summary="Take a user's part in a project away",
        description="From their next request on. The account stays.",
        answers={204: Answer("Taken away.")},
        errors={400: _NO_PARAMETERS, 404: _NO_MEMBER},
    ),
    "list_project_audit": Operation(
        tag="Audit",
        summary="Who changed what in a project",
        description=texts.AUDIT,
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of entries.", (schemas.AuditList,))},
        errors=_OF_PROJECT | {400: _LIMIT},
    ),
    "list_audit": Operation(
        tag="Audit",
        summary="Who changed what, anywhere",
        description=texts.AUDIT,
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of entries.", (schemas.AuditList,))},
        errors={400: _LIMIT},
    ),
    "list_api_tokens": Operation(
        tag="API tokens",
        summary="List API tokens, newest first",
        description=texts.TOKENS,
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of API tokens.", (schemas.ApiTokenList,))},
        errors={400: _LIMIT},
    ),
    "create_api_token": Operation(
        tag="API tokens",
        summary="Make an API token",
        description=texts.TOKENS,
        body={JSON: schemas.ApiTokenRequest},
        answers={201: Answer("The token, shown once.", (schemas.ApiTokenWithSecret,))},
        errors=_BODY | {404: 'no project "nowhere" (project_id)', 422: "scopes: required: a list of 1 to 3 items"},
    ),
    "revoke_api_token": Operation(
        tag="API tokens",
        summary="End an API token",
        description="At once. A second time changes nothing.",
        answers={204: Answer("Ended.")},
        errors={400: _NO_PARAMETERS, 404: 'no API token "nothing" (token_id)'},
    ),
    "list_users": Operation(
        tag="Users",
        summary="List users, newest first",
        description="With their roles.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of users.", (schemas.UserList,))},
        errors={400: _LIMIT},
    ),
    "create_user": Operation(
        tag="Users",
        summary="Make a user",
        description="A password that is not given is made up, and shown here once.",
        body={JSON: schemas.UserRequest},
        answers={201: Answer("The user.", (schemas.UserWithPassword,))},
        errors=_BODY
        | {
            404: 'no project "nowhere" (project_id)',
            409: 'a user "dev@localhost" exists already (email)',
            422: 'email: expected an address such as ann@example.com, got "ann"',
        },
    ),
    "get_user": Operation(
        tag="Users",
        summary="Get one user",
        description="With their roles.",
        answers={200: Answer("The user.", (schemas.User,))},
        errors={400: _NO_PARAMETERS, 404: _NO_USER},
    ),
    "change_user": Operation(
        tag="Users",
        summary="Change a user",
        description=texts.USER_CHANGE,
        body={JSON: schemas.UserChange},
        answers={200: Answer("The user as they are now.", (schemas.User,))},
        errors=_BODY
        | {404: _NO_USER, 409: _LAST_ADMIN, 422: 'memberships[0].role: expected one of viewer, editor, admin, got "owner"'},
    ),
    "delete_user": Operation(
        tag="Users",
        summary="Delete a user",
        description="With their roles and login sessions. What they did stays in the audit trail. The last instance administrator stays.",
        answers={204: Answer("Deleted.")},
        errors={400: _NO_PARAMETERS, 404: _NO_USER, 409: _LAST_ADMIN},
    ),
}
