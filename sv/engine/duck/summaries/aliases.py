"""Aliases: which anonymous ids came together with which user ids, and which ids are user ids. See `sv.model.identity`.

An item is `[anonymous id, user's number, event's id]`, of the earliest event that has both ids; or a number alone, of a user id.
"""

from sv.engine.duck.summaries.known import NOTHING, Known
from sv.engine.duck.summaries.pieces import hex_id, in_pieces


def summary_sql(rows: str, known: Known = NOTHING) -> str | None:
    """See the package. None where nobody is a user."""
    if not known.has_users:
        return None
    items = f"""
      select project_id, json_array(anonymous_id, user_person, {hex_id("first_id")}) as item from pairs
      union all
      select distinct project_id, to_json(person) from identified
    """
    return f"""
    with identified as (
      select project_id, person, user_id, anonymous_id, id from ({rows}) where user_id is not null
    ), pairs as (
      select project_id, anonymous_id, arg_min(person, id) as user_person, min(id) as first_id
      from identified
      where anonymous_id is not null and anonymous_id <> user_id
      group by project_id, anonymous_id
    )
    {in_pieces(items, known)}
    """
