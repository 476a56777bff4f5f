"""A bar on standard error for what takes long: the description, how far it is, a text of its own, the time that is left."""

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
