"""Names that people give: shown in menus and headings, never used as keys."""

import unicodedata
from typing import Final

from sv.model.errors import ValidationFailed
from sv.model.validate import repair, show

MAX_NAME_CHARS: Final = 100
"""What a heading holds."""


def checked_name(name: str, field: str = "name") -> str:
    """The name, trimmed. Raises ValidationFailed where it is empty, too long, or has control characters."""
    trimmed = repair(name).strip()
    has_controls = any(unicodedata.category(char) == "Cc" for char in trimmed[: MAX_NAME_CHARS + 1])
    if 1 <= len(trimmed) <= MAX_NAME_CHARS and not has_controls:
        return trimmed
    expected = f"1 to {MAX_NAME_CHARS} characters, none of them a control character"
    raise ValidationFailed.at(field, f"expected {expected}, got {show(name)}")
