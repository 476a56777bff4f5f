"""ClickHouse inside this process, asked for whole worlds at a time."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sv.insights.funnel.modes import Mode
from tests.engine.funnel.histories import World

Question = tuple[int, frozenset[Mode]]
"""A window and modes."""


def parameters(window: int, modes: Collection[str]) -> str:
    """The window and the modes as parameters of `windowFunnel`."""
    return ", ".join([str(window), *(f"'{mode}'" for mode in sorted(modes))])


class ClickHouse:
    """One session; close it, as a process has only one at a time."""

    def __init__(self) -> None:
        from chdb.session import Session  # half a second, which who only collects tests does without

        self.session = Session()

    def close(self) -> None:
        """Gives the session and its files back."""
        self.session.close()

    def accepts(self, modes: Collection[str]) -> bool:
        """Whether `windowFunnel` takes these modes together."""
        conditions = "number = 0, number = 1"
        try:
            self.session.query(f"select windowFunnel({parameters(10, modes)})(number, {conditions}) from numbers(2)")
        except RuntimeError as refusal:
            if "BAD_ARGUMENTS" in str(refusal):
                return False
            raise
        return True

    def levels(self, world: World, questions: Sequence[Question]) -> list[npt.NDArray[np.uint8]]:
        """For each question the level of every person by number, in a single query.

        One thread, so that rows arrive in the world's order: ClickHouse numbers rows as they come.
        """
        rows = pa.table({"person": world.persons, "t": world.timestamps, "mask": world.masks})
        one_thread = "settings max_threads = 1, max_insert_threads = 1"
        self.session.query("drop table if exists world")
        self.session.query("create table world (person UInt32, t UInt64, mask UInt32) engine = Memory")
        # Columns from Python may be null, and of arguments that may be null ClickHouse takes no more than 8.
        self.session.query(
            "insert into world select assumeNotNull(person), assumeNotNull(t), assumeNotNull(mask) "
            f"from Python(rows) {one_thread}"
        )
        conditions = ", ".join(f"bitTest(mask, {step})" for step in range(world.steps))
        columns = ", ".join(
            f"windowFunnel({parameters(window, modes)})(t, {conditions}) as a{number}"
            for number, (window, modes) in enumerate(questions)
        )
        table = self.session.query(
            f"select person, {columns} from world group by person order by person {one_thread}", "ArrowTable"
        )
        persons = table.column("person").to_numpy().astype(np.int64)
        assert table.num_rows == np.unique(rows.column("person")).size
        levels = np.zeros((len(questions), world.person_count), np.uint8)
        for number in range(len(questions)):
            levels[number, persons] = table.column(f"a{number}").to_numpy()
        return list(levels)
