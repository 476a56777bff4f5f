"""Seeds of what tests make by chance: another one in each run, and a way to repeat a run. And how much of it they make."""

import os
import random


def seed(variable: str) -> int:
    """The number in this variable of the environment, else one that nobody knows before."""
    return int(os.environ.get(variable, "0")) or random.SystemRandom().randrange(1, 10**9)


def examples(count: int) -> int:
    """So many examples of what is made by chance, times TEST_EXAMPLES: 1 unless it is set. At least one."""
    return max(1, round(count * float(os.environ.get("TEST_EXAMPLES", "1"))))
