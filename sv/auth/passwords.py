"""Passwords: Argon2id, with the parameters in the hash, so that they can be raised later.

Answers for a guess costing the same whether the account exists or not. Blocks for some 30 ms of CPU and 19 MiB of
memory a call, so an event loop makes it from a thread, and login is rate limited. Composed and decomposed letters are
one (Unicode NFC, as RFC 8265 asks); nothing else about a password is changed.
"""

import secrets
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from sv.model.errors import ValidationFailed

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD_CHARS: Final = 8
"""NIST SP 800-63B's floor for chosen passwords."""

MAX_PASSWORD_CHARS: Final = 1024
"""Far above any password manager's; a bound on what a stranger makes us hash."""

GROUPS: Final = 4
GROUP_CHARS: Final = 4

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1, which people mistake for each other: 16 of these are 79 bits."""


def make_password(choose: Callable[[str], str] = secrets.choice) -> str:
    """A random password that can be read out and typed: `k7mq-x2hd-9wna-rt4c`."""
    return "-".join("".join(choose(_ALPHABET) for _ in range(GROUP_CHARS)) for _ in range(GROUPS))


def check_password(password: str) -> None:
    """Raise ValidationFailed, without repeating the password, where somebody chooses one too short or too long."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise ValidationFailed.at(
            "password",
            f"expected {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS:,} characters, got {len(password):,}",
        )


def hash_password(password: str) -> str:
    """The text to keep: algorithm, parameters, salt and hash. Raises ValueError beyond 1,024 characters."""
    if len(password) > MAX_PASSWORD_CHARS:
        raise ValueError(f"expected at most {MAX_PASSWORD_CHARS} characters, got {len(password)}")
    return _hasher().hash(_to_bytes(password))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether this is the password of that hash. None (no such account) is false, and takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError

    against = kept if kept and len(password) <= MAX_PASSWORD_CHARS else _decoy()
    try:
        return _hasher().verify(against, _to_bytes(password[:MAX_PASSWORD_CHARS]))
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(kept: str) -> bool:
    """Whether the hash was made with other parameters than ours now; after a login is the time to make a new one."""
    from argon2.exceptions import InvalidHashError

    try:
        return _hasher().check_needs_rehash(kept)
    except InvalidHashError:
        return True


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher, Type

    # OWASP's second choice of equal strength (19 MiB, 2 passes, 1 lane): the one that suits a small machine.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


@cache
def _decoy() -> str:
    """A hash of nothing anybody knows, to spend the time on that a real one would take."""
    return _hasher().hash(secrets.token_bytes(32))


def _to_bytes(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
