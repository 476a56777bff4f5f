"""Rollups at rest: what lists are read from. They are kept up to date by folding summaries of events into them, which the engine makes
(`Summary`).

`kinds` lists the kinds of rollups. Each is a module with

    NAME                              the kind's name, the same as in the engine
    VERSION                           to be raised when the meaning of rows changes: every project's rollups are then rebuilt
    TABLES                            the tables that `builds` deletes from when a build is dropped
    apply(writer, change, content)    merges one summary into a build, inside a transaction of the caller

`apply` merges with set-based SQL over the JSON, so that no Python runs per row and other threads run meanwhile. Merging is commutative and
associative: the rollups depend neither on the order in which events came, nor on how they were cut into summaries.
"""
