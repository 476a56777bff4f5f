"""Ids of projects, tokens and users: short, random, fit for a path and a URL."""

import secrets
from collections.abc import Callable
from typing import Final

ID_CHARS: Final = 12
"""Of 36 letters and digits: 62 bits. Ids are no secrets; they only must not collide or count."""

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

Choose = Callable[[str], str]
"""Picks one of the characters."""


def random_id(choose: Choose = secrets.choice) -> str:
    return "".join(choose(_ALPHABET) for _ in range(ID_CHARS))
