"""Progress on standard error, for what takes long: a bar with a description, how far it is, a text, and the time left."""

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_EVERY_S: Final = 10.0

FIGURES: Final = 36
"""Columns: how far it is, `1,200,000 rows` or the like, the time that is left, and what is between them."""


def make_bar() -> "Progress":
    """A progress bar that disappears when it is done. Its tasks have a field `rows` for the text."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(_bar_width(console.width)),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _bar_width(width: int) -> int:
    """Of so many columns, of which the name of what is done gets as many and the figures keep what they need."""
    return min(max((width - FIGURES) // 2, 5), 40)


def _end_of(name: str, width: int) -> str:
    """As much as there is room for, which of a path is its end."""
    room = max(width - FIGURES - _bar_width(width), 8)
    return name if len(name) <= room else "…" + name[1 - room :]


class Narrator:
    """Reports how work is going: by a bar on a terminal, else by a line now and then."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._said_at_s = 0.0

    @contextlib.contextmanager
    def watching(self, what: str, at_first: str = "") -> Generator[None]:
        """Shows progress inside the block. at_first: the text beside the bar until something is reported."""
        self._said_at_s = time.monotonic()
        if not sys.stderr.isatty():
            yield
            return
        try:
            with make_bar() as self._progress:
                self._progress.add_task(_end_of(what, self._progress.console.width), total=1.0, rows=at_first)
                yield
        finally:
            self._progress = None

    def tell(self, done: float, total: float, beside: str, line: str) -> None:
        """Report progress. beside: the text beside the bar. line: what to print where there is no bar and it is time for a line."""
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done, total=total, rows=beside)
        elif time.monotonic() >= self._said_at_s + LINE_EVERY_S:
            self.say(line)

    def say(self, line: str) -> None:
        self._said_at_s = time.monotonic()
        if self._progress is not None:
            self._progress.console.print(f"sv: {line}", markup=False, highlight=False)
        else:
            print(f"sv: {line}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def watching_bytes(what: str) -> Generator[Callable[[int, int], None]]:
    """Yields a function that reports (bytes done, bytes in all): as a bar on a terminal, and not at all elsewhere."""

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
