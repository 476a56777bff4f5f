"""The kinds of value that a setting can have: from text or TOML to a value, or what was expected.

Answers for one setting at a time. Assumes text from a flag or a variable, or whatever TOML can hold. Never
touches files, but for a share of memory, which asks the machine.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, TypeVar, cast
from urllib.parse import urlsplit

from sv.model.validate import show
from sv.settings.machine import memory_allowed

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MAX_TEXT_CHARS: Final = 4096
"""Any one value; the longest are paths."""

MAX_LIST_ITEMS: Final = 100

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([kmgt]?b|[kmgt]ib|[kmgt]|%)?", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.:_%\-]{1,253}", re.ASCII)
_URL = re.compile(r"https?://[A-Za-z0-9.\-_\[\]:]{1,260}(?:/[A-Za-z0-9._~%@:+,=/\-]*)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,254}", re.ASCII)
_SCRIPT = re.compile(r"(?!/(?:api|assets|schema)/)(?:/[A-Za-z0-9_\-][A-Za-z0-9._\-]{0,99}){1,8}(?<=\.js)", re.ASCII)
_BASE = re.compile(
    r"(?!/(?:api|assets|schema|healthz|metrics|replay-frame)(?:/|$))(?:/[A-Za-z0-9_~\-][A-Za-z0-9._~\-]{0,63}){1,8}", re.ASCII
)
_PROJECT_TOKEN = re.compile(r"sv_pub_[A-Za-z0-9_\-]{20,200}", re.ASCII)
_API_TOKEN = re.compile(r"sv_(?!pub_)[A-Za-z0-9_\-]{40,200}", re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Secret:
    """A text that is never shown: not by `repr`, in a message, a log or JSON. `reveal` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


class Kind(Generic[T]):
    """A kind of value: what it looks like, in words, how it is read (None: it is not of this kind), and how one is written so that it is
    read as the same (None: as Python does). options: the words that there are, lower case, where it is one of them."""

    def __init__(
        self,
        expected: str,
        read: Callable[[object], T | None],
        write: Callable[[T], str] | None = None,
        *,
        is_secret: bool = False,
        options: tuple[str, ...] = (),
    ) -> None:
        self.options = options
        self.expected = expected
        self.write = write
        self.is_secret = is_secret
        self._read = read

    def parse(self, value: object) -> T:
        """The value. Raises ValueError, "expected …, got …", a secret's value being left out."""
        found = None if isinstance(value, str) and len(value) > MAX_TEXT_CHARS else self._read(value)
        if found is None:
            got = "something else (not shown)" if self.is_secret else show(value)
            raise ValueError(f"expected {self.expected}, got {got}")
        return found


def whole(low: int, high: int) -> Kind[int]:
    """A whole number."""

    def read(value: object) -> int | None:
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value if low <= value <= high else None
        return None

    return Kind(f"a whole number from {low:,} to {high:,}", read)


def number(low: float, high: float) -> Kind[float]:
    """A number, whole or not."""

    def read(value: object) -> float | None:
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) if low <= value <= high else None
        return None

    return Kind(f"a number from {low:,.15g} to {high:,.15g}", read)


def size(low: int, high: int, *, can_be_share: bool = False) -> Kind[int]:
    """Bytes: a number, or text such as 512MB (powers of 1000), 1GiB or 1G (powers of 1024).

    can_be_share: also a share such as 50% of the memory that the process may use.
    """

    def read(value: object) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return value if low <= value <= high else None
        found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return None
        unit = (found[2] or "").lower()
        if unit == "%":
            is_share = can_be_share and 0 < float(found[1]) <= 100
            return max(low, int(memory_allowed() * float(found[1]) / 100)) if is_share else None
        base = 1000 if unit.endswith("b") and not unit.endswith("ib") else 1024
        amount = int(float(found[1]) * base ** _POWERS[unit.removesuffix("b").removesuffix("i")])
        return amount if low <= amount <= high else None

    share = ", or a share of the memory as 50%" if can_be_share else ""
    return Kind(f"a size from {show_size(low)} to {show_size(high)}, as 512MB or 1GiB{share}", read, show_size)


def show_size(amount: int) -> str:
    """A number of bytes in the largest binary unit that divides it: exactly what was given, where it is read again."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        width = 1024 ** _POWERS[unit[0].lower()]
        if amount and amount % width == 0:
            return f"{amount // width}{unit}"
    return f"{amount}B"


def choice(options: type[E]) -> Kind[E]:
    """One of a closed list of words."""

    def read(value: object) -> E | None:
        word = value.strip().lower() if isinstance(value, str) else None
        return next((option for option in options if option.value == word), None)

    return Kind("one of " + ", ".join(options), read, options=tuple(options))


def path() -> Kind[Path]:
    """A path; `~` is the home of the user that runs the server."""

    def read(value: object) -> Path | None:
        if not isinstance(value, str) or not value or "\x00" in value:
            return None
        try:
            return Path(value).expanduser()
        except RuntimeError:  # no such home
            return None

    return Kind("a path", read)


def host() -> Kind[str]:
    """An address to listen on."""
    return _pattern("a host name or address, such as 127.0.0.1, ::1 or 0.0.0.0", _HOST)


def name() -> Kind[str]:
    """A name made of letters, digits, dots, dashes and underscores."""
    return _pattern("a name of letters, digits, dots, dashes and underscores", _NAME)


def url() -> Kind[str]:
    """An address of the web without query and fragment; a slash at its end is dropped."""

    def read(value: object) -> str | None:
        text = value.strip() if isinstance(value, str) else ""
        return text.rstrip("/") if _URL.fullmatch(text) and _has_host(text) else None

    return Kind("a URL such as https://stats.example.com, without query or fragment", read)


def _has_host(text: str) -> bool:
    """Whether its host and port can be ones."""
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def base_path() -> Kind[str]:
    """A path below which the server is reached; a slash at its end is dropped, and `/` alone is none at all."""

    def read(value: object) -> str | None:
        text = value.strip().rstrip("/") if isinstance(value, str) else None
        return text if text == "" or (text and is_base_path(text)) else None

    return Kind("a path such as /stats that begins with none of the server's own, such as /api", read)


def is_base_path(text: str) -> bool:
    """Whether it is one that nobody has to encode and that begins no path of the server's own."""
    return _BASE.fullmatch(text) is not None


def script_path() -> Kind[str]:
    """A path under which the server gives out a script."""
    return _pattern("a path such as /sv.js that ends in .js and is not below /api/, /assets/ or /schema/", _SCRIPT)


def secret() -> Kind[Secret]:
    """A text that is never shown."""

    def read(value: object) -> Secret | None:
        is_plain = isinstance(value, str) and value.isprintable() and value.strip() == value and value
        return Secret(cast("str", value)) if is_plain else None

    return Kind("printable text without blanks around it", read, is_secret=True)


def project_token() -> Kind[str]:
    """A project token that somebody made: as one made here begins, and too long to be a word."""
    return _pattern("sv_pub_ and 20 to 200 letters, digits, dashes and underscores", _PROJECT_TOKEN)


def api_token() -> Kind[Secret]:
    """An API token that somebody made, at least as long as one made here."""

    def read(value: object) -> Secret | None:
        return Secret(value) if isinstance(value, str) and _API_TOKEN.fullmatch(value) else None

    return Kind("sv_ (not sv_pub_) and 40 to 200 letters, digits, dashes and underscores", read, is_secret=True)


def networks() -> Kind[tuple[str, ...]]:
    """Networks and addresses, in a list or parted by commas: 10.0.0.0/8, ::1."""

    def read(value: object) -> tuple[str, ...] | None:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or len(cast("list[object]", items)) > MAX_LIST_ITEMS:
            return None
        from ipaddress import ip_network  # only who sets this pays for it

        try:
            return tuple(str(ip_network(cast("str", item).strip())) for item in cast("list[object]", items))
        except (ValueError, AttributeError):  # not a network, or one with host bits; not a text
            return None

    return Kind("networks such as 10.0.0.0/8, parted by commas", read)


def _pattern(expected: str, pattern: re.Pattern[str]) -> Kind[str]:
    def read(value: object) -> str | None:
        text = value.strip() if isinstance(value, str) else ""
        return text if pattern.fullmatch(text) else None

    return Kind(expected, read)
