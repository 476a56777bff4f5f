"""Lists on a disk that refuses writes: they are answered from what is folded already, and say so."""

from collections.abc import Callable
from typing import Any

from sv.model.errors import DiskRefuses


def is_caught_up(catch_up: Callable[[], None]) -> bool:
    """Fold every accepted event; returns False where the disk doesn't take that. Raises Unavailable for any other reason."""
    try:
        catch_up()
    except DiskRefuses:
        return False
    return True


def behind(is_whole: bool) -> dict[str, Any]:
    """What an answer says if it doesn't include everything."""
    return {} if is_whole else {"is_behind": True}
