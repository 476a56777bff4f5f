"""From a query value to an answer in the contract's shape. A module a question; what they have in common is beside them.

    events, persons, sessions, definitions      lists, and one of each
    trends, funnels, funnel_persons, overview   insights; `funnel/` is the arithmetic of funnels, over arrays alone
    preview, sql                                a smart event's events, and a user's own statement
    event_export, export                        what leaves: a project's events, and all that is kept of a person
    named                                       what a series or a step names: an event or a smart event
    runner, fair_queue, flights, rotation       who runs when: places, turns, and equal questions asked once
    readiness, latencies, folded                ready before the first question, how long they take, lists that are behind
    opening                                     the runner that the settings mean, for the composition root

Knows no HTTP and no SQL: it asks `sv.engine.port.Engine` over a snapshot, and the rollups in `meta`.
"""
