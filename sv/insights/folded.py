"""Lists on a disk that refuses: they are answered as far as events are folded, and say so."""

from collections.abc import Callable
from typing import Any

from sv.model.errors import DiskRefuses


def is_caught_up(catch_up: Callable[[], None]) -> bool:
    """Have every accepted event folded; False where the disk doesn't take it. Raises Unavailable for any other reason."""
    try:
        catch_up()
    except DiskRefuses:
        return False
    return True


def behind(is_whole: bool) -> dict[str, Any]:
    """What an answer says where it isn't whole."""
    return {} if is_whole else {"is_behind": True}
