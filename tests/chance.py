"""Seeds of what tests make by chance: another one in each run, and a way to repeat a run."""

import os
import random


def seed(variable: str) -> int:
    """The number in this variable of the environment, else one that nobody knows before."""
    return int(os.environ.get(variable, "0")) or random.SystemRandom().randrange(1, 10**9)
