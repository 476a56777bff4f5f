"""How far each person went in a funnel: pure arithmetic, equal to ClickHouse's `windowFunnel` in all modes.

Answers for: from keys (who and when) and the steps that rows match to the level of every person and the times
that each level took. Assumes that somebody else has fetched the rows, numbered the persons and chosen the
time range. Never touches SQL, files or the clock; numpy is its only tool, and this file and `modes` do
without even that, so that a request can be validated before numpy is loaded.

    modes     the closed set of modes and which of them go together
    keys      the 64-bit key, sorting, borders between groups, threads
    core      the two ways in: one array of keys a step, or rows with a mask of steps
    keyed     the pass itself: one search a step over sorted keys
    strict    where strict modes end a pass early, found after the pass
    once      `strict_once`: chains of distinct rows
    ties      which steps the rows of one instant can take, each row one step
    repeats   `strict_once` with `strict_deduplication`, where the order of arrival counts
    outcome   levels and times of all groups, and the figures that an insight shows

A *group* is whatever a chain must not leave: a person, or a session. An *entry* is a row together with one
step that it matches; ClickHouse takes a group's entries in the order of (timestamp, step), and so do all
formulas here.
"""
