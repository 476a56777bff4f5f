"""A bar on standard error for what takes long: the description, how far it is, a text of its own, the time that is left."""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def make_bar() -> "Progress":
    """A bar that goes when it is done. Tasks have a field `rows`, the text."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


@contextlib.contextmanager
def watching_bytes(what: str) -> Generator[Callable[[int, int], None]]:
    """A function to tell (bytes done, bytes in all): a bar on a terminal, and nothing elsewhere."""

    def tell_nobody(done: int, total: int) -> None:
        pass

    if not sys.stderr.isatty():
        yield tell_nobody
        return
    with make_bar() as bar:
        task = bar.add_task(what, total=None, rows="")

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rows=f"{done / 1_000_000:,.0f} of {total / 1_000_000:,.0f} MB")

        yield tell
