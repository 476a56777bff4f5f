"""What leaves the disk: a person who is to be erased, and what a project keeps no longer.

`expiring.py` tells what is too old; `jobs.py` does one job after the other and goes on with them after a restart; `erasing.py` has the
steps, each of which may be done again. `opening.py` is called by the composition root. Assumes that nobody else takes events out of files.
"""
