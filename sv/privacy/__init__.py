"""Removes events from the disk for good: a person who is to be erased, and what a project no longer keeps.

`expiring.py` finds what is too old; `jobs.py` runs one job after the other and continues them after a restart; `erasing.py` has the steps,
each of which may be repeated. The composition root calls `opening.py`. Assumes that nobody else takes events out of files.
"""
