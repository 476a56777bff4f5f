"""Texts of the OpenAPI document about people, projects and tokens. The rules themselves are kept in `sv.people`."""

from typing import Final

from sv.model import limits

LOGIN: Final = f"""\
Answers with `Set-Cookie: sv_session=…; Path=/; HttpOnly; SameSite=Lax`, and `Secure` where the browser speaks HTTPS. The login
session ends by age (`SV_LOGIN_SESSION_HOURS`), by lying idle (`SV_LOGIN_SESSION_IDLE_HOURS`), by logging out, or when it is ended
from elsewhere.

A request that shows an API token as well goes by the token. A request that changes something and shows the cookie alone must come from a
page of this server: its `Origin`, else its `Referer`, else `Sec-Fetch-Site` has to say so, or it is 403.

After {limits.LOGIN_TRIES_OF_EMAIL} wrong passwords for one e-mail, or {limits.LOGIN_TRIES_OF_ADDRESS} from one address, a try comes back
every {limits.LOGIN_TRY_EVERY_S} seconds; until then it is 429. Whether an account exists is not told.
"""

PROJECT_CHANGE: Final = """\
What the body doesn't name stays as it is, also among `settings`. null for a retention keeps for ever.
"""

ROTATION: Final = f"""\
SDKs send events with the new token from now on; the old ones stay good for `overlap_hours` ({limits.OVERLAP_HOURS_DEFAULT} by
default, 0 ends them at once), so that pages that are still open lose nothing. At most {limits.MAX_LIVE_PROJECT_TOKENS} are good at a time.
"""

OWN_CHANGE: Final = """\
Ends the user's other login sessions. Wrong current passwords are counted together with wrong logins: after as many, every try is a 429
until `Retry-After` has passed, also one with the right password.
"""

PROJECT_DELETION: Final = """\
Its tokens end at once, and its id is never given out again. Its events and what lists knew of them leave the disk within seconds, but
for files that a query still reads, its recordings within minutes. What is still in the server's log goes with the log's oldest segments.
The project that `sv dev` is for stays: 409.
"""

MEMBERS: Final = """\
By the e-mail of an account, which who administers the instance has made; 404 says that there is none. A `viewer` may read, an `editor` may
also write, an `admin` may also manage the project: its settings, tokens and members.
"""

TOKENS: Final = """\
Who administers a project sees, makes and ends the tokens that are for that project alone. Tokens for all projects are for those who
administer the instance: a user who is an instance administrator, or a token for all projects with the scope `admin`.
"""

USER_CHANGE: Final = """\
What the body doesn't name stays as it is. A new password ends all of the user's login sessions. The last user who may administer
the instance can't give that up.
"""

AUDIT: Final = """\
Newest first: who (a user, an API token, or the command line), when, what, on which project, and what it was before and after; never a
secret. Each entry was written together with the change, or neither was. Kept for `SV_AUDIT_DAYS`.

Actions: `project.create`, `project.update`, `project.rotate_token`, `project.delete`, `api_token.create`, `api_token.revoke`,
`user.create`, `user.update`, `user.password`, `user.delete`, `member.add`, `member.update`, `member.remove`,
`smart_event.create`, `smart_event.update`, `smart_event.delete`, `insight.create`, `insight.update`, `insight.delete` (of rules and queries
only that there is a new version), `event_definition.update`, `property_definition.update`,
`dashboard.create`, `dashboard.update`, `dashboard.delete`, `person.erase`, `person.erase_done`,
`person.erase_failed`, `person.export`.
"""

COOKIE: Final = """\
A person's login session, from `POST /api/v1/auth/login`. A request that changes something has to come from a page of this server: its
`Origin`, else its `Referer`, else `Sec-Fetch-Site` says so.
"""

NEEDS: Final = {
    "project": "Needs an API token with the scope `{scope}` for the project, or a login session of a user who is at least `{role}` there",
    "instance": "Needs an API token with the scope `{scope}` for all projects, or a login session of who administers the instance",
    "somewhere": "Needs an API token with the scope `{scope}`, or a login session of a user who is at least `{role}` somewhere",
}
"""By where the permission has to be held."""
