"""Tokens: making them, and the hash under which a secret one is known.

`sv_pub_…` is a project token: public, written into web pages. `sv_…` is an API token: secret, shown once, kept as the
SHA-256 of its text. So is the secret in a login session's cookie, which nobody is shown. A plain hash is enough, since
nobody can try 2^240 random secrets; passwords are another matter.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from sv.model.errors import NotAuthenticated
from sv.model.validate import show_token

PROJECT_TOKEN_PREFIX: Final = "sv_pub_"  # noqa: S105 - what every token starts with, no secret
API_TOKEN_PREFIX: Final = "sv_"  # noqa: S105 - as above

PROJECT_TOKEN_BYTES: Final = 24
"""32 characters. Public, but not to be guessed from another project's."""

API_TOKEN_BYTES: Final = 30
"""40 characters, 240 bits."""

SESSION_BYTES: Final = 32
"""43 characters, 256 bits."""

SHOWN_CHARS: Final = 7
"""`sv_` and four more: enough to tell one's tokens apart, too little to help anybody guess."""

MakeText = Callable[[int], str]
"""So many random bytes as URL-safe text."""


class NewApiToken(NamedTuple):
    """secret: for its owner, once. hash: 32 bytes, to keep. prefix: the secret's start, to show in lists."""

    secret: str
    hash: bytes
    prefix: str


def make_project_token(make_text: MakeText = secrets.token_urlsafe) -> str:
    """`sv_pub_` and 32 URL-safe characters."""
    return PROJECT_TOKEN_PREFIX + make_text(PROJECT_TOKEN_BYTES)


def make_api_token(make_text: MakeText = secrets.token_urlsafe) -> NewApiToken:
    """`sv_` and 40 URL-safe characters, never the start of a project token."""
    secret = API_TOKEN_PREFIX + make_text(API_TOKEN_BYTES)
    while secret.startswith(PROJECT_TOKEN_PREFIX):
        secret = API_TOKEN_PREFIX + make_text(API_TOKEN_BYTES)
    return describe_api_token(secret)


def describe_api_token(secret: str) -> NewApiToken:
    """What is kept and shown of a secret that is given, such as `sv_dev`."""
    return NewApiToken(secret, hash_api_token(secret), secret[:SHOWN_CHARS])


def unknown_project_token(token: str, field: str) -> NotAuthenticated:
    """For a text in the place of a project token that is none, or nobody's. Not shown whole: it may be a secret in the wrong place."""
    if token.startswith(PROJECT_TOKEN_PREFIX):
        return NotAuthenticated(f"unknown project token {show_token(token)} ({field})")
    return NotAuthenticated(f"expected a project token ({PROJECT_TOKEN_PREFIX}…), got {show_token(token)} ({field})")


def unknown_api_token(secret: str) -> NotAuthenticated:
    """For a text in the place of an API token that is none, or no good any more."""
    if secret.startswith(PROJECT_TOKEN_PREFIX):
        return NotAuthenticated("expected an API token, got a project token, which can only send events (Authorization)")
    return NotAuthenticated("unknown, expired or revoked API token (Authorization)")


def hash_api_token(secret: str) -> bytes:
    """The SHA-256, 32 bytes, of whatever text a caller presents."""
    # A header can't hold a lone surrogate, a command line can; each text has its own hash.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def make_session_secret(make_text: MakeText = secrets.token_urlsafe) -> tuple[str, bytes]:
    """What a login session's cookie holds, and the hash to keep."""
    secret = make_text(SESSION_BYTES)
    return secret, hash_session_secret(secret)


def hash_session_secret(secret: str) -> bytes:
    """The SHA-256, 32 bytes, of whatever text a cookie brings."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
