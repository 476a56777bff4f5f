"""Rollups at rest: what lists are read from, kept by folding summaries of events into them. The engine makes those (`Summary`).

`kinds` lists the kinds, each a module with

    NAME                              the kind's name, the engine's too
    VERSION                           to be raised when rows of before mean something else: every project is then built anew
    TABLES                            what `builds` deletes from when a build is dropped
    apply(writer, change, content)    merge one summary into a build, inside a transaction of the caller

`apply` merges with set-based SQL over the JSON, so that no Python runs for a row and other threads run meanwhile. Merging is commutative
and associative: the rollups don't hang on the order in which events came, nor on how they were cut into summaries.
"""
