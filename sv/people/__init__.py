"""People and what they may touch: logging in, users and their roles, projects, tokens, and the trail of who changed what.

Answers for every change being allowed to whoever makes it, and for its entry in the audit trail being written in the same transaction. The
routes and the command line both come through here. Hashing a password takes its time, so it is asked of callers, before a transaction.

    people      `People`, which ties the tables together
    bodies      from decoded JSON to the values below
    projects, tokens, users, dashboards, saved, notes    changes
    logins      from a password to a cookie, and from a cookie or token to a principal
    throttle    how often somebody may try a wrong password
"""
