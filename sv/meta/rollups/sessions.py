"""Rollups of sessions, and who has an event in which: merging summaries into them.

Items are described in `sv.engine.duck.summaries.sessions`. A client's session merges with the row of its id. A run of a person's events
without a session merges with that person's runs that are no further away than GAP_MS, which joins some to one; rows of one person always
lie further apart than that, so a new run reaches at most one row that begins before it.

A session that begins earlier than it did is remembered for a while (`session_moves`), so that a list that somebody pages through shows
it once.
"""

from typing import Final

import apsw

from sv.meta.rollups.change import Change
from sv.model.limits import MAX_SESSION_MOVES, MINUTE_MS, SESSION_MOVES_KEPT_MS

NAME: Final = "sessions"
VERSION: Final = 1

GAP_MS: Final = 30 * MINUTE_MS
"""As `sv.engine.duck.relation` has it; a test compares."""

FORGOTTEN_MOVES: Final = 1000
"""Old moves that a summary with moves lets go, so that forgetting keeps up and no transaction is long."""

TABLES: Final[dict[str, str]] = {
    "session_rollups": "n in (select n from session_rollups where build = ?1 limit ?2)",
    "session_persons": "(n, person) in (select n, person from session_persons where build = ?1 limit ?2)",
    "session_moves": "?1 < 0 and ?2 < 0",  # of no build: they go by age
}

Values = dict[str, str | int]

_FIRSTS: Final = ("entry_first", "referrer_first", "country_first", "device_type_first", "browser_first", "os_first")
_LASTS: Final = ("exit_last", "person_last")
_COUNTS: Final = ("event_count", "pageview_count", "other_count")
_MERGED: Final = ", ".join(("started_ms", "ended_ms", *_COUNTS, *_FIRSTS, *_LASTS))
_COLUMNS: Final = f"session_id, owner, tie, {_MERGED}"

_STAGES: Final = (
    f"create temp table if not exists new_sessions ({_COLUMNS})",
    # Runs of the persons who have new ones: the new, and those that they reach, which have an `n`.
    f"create temp table if not exists runs (n, {_COLUMNS}, island)",
    f"create temp table if not exists islands (n, first_ms, {_COLUMNS})",
    # Where sessions were before this summary that begin earlier with it.
    "create temp table if not exists moved (n integer primary key, tie integer, old_ms integer, started_ms integer)",
    "create index if not exists temp.moved_by_place on moved (tie, old_ms)",
    "delete from new_sessions",
    "delete from runs",
    "delete from islands",
    "delete from moved",
)


def _packed(place: int) -> str:
    """A key and the value behind it to the bytes that are kept; null where there is no value."""
    return f"cast(unhex(value ->> {place}, '-') || (value ->> {place + 1}) as blob)"


_PACKED_ENTRY: Final = """
    cast(unhex(value ->> 9, '-') || (value ->> 10) || iif(value ->> 11 is null, '', x'00' || (value ->> 11)) as blob)"""

_STAGE_SESSIONS: Final = f"""
    insert into new_sessions (
      session_id, owner, tie, started_ms, ended_ms, event_count, pageview_count, other_count,
      entry_first, exit_last, referrer_first, country_first, device_type_first, browser_first, os_first, person_last
    )
    select
      value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
      {_PACKED_ENTRY}, {", ".join(_packed(place) for place in range(12, 26, 2))}
    from jsonb_each(:content)
    where value ->> 0 = 'session'
"""


def _either(pick: str, name: str) -> str:
    """The smaller or larger of the row's and the new value, a missing one aside."""
    return f"{name} = {pick}(coalesce({name}, excluded.{name}), coalesce(excluded.{name}, {name}))"


# The clients' sessions

_FIND_MOVED: Final = """
    insert into moved
    select r.n, r.tie, r.started_ms, s.started_ms
    from new_sessions s
    cross join session_rollups r on r.build = :build and r.session_id = s.session_id
    where s.session_id is not null and s.started_ms < r.started_ms
"""

_MERGE_SESSIONS: Final = f"""
    insert into session_rollups (build, {_COLUMNS})
    select :build, {_COLUMNS}
    from new_sessions
    where session_id is not null
    order by started_ms
    on conflict (build, session_id) where session_id is not null do update set
      started_ms = min(started_ms, excluded.started_ms),
      ended_ms = max(ended_ms, excluded.ended_ms),
      {", ".join(f"{name} = {name} + excluded.{name}" for name in _COUNTS)},
      {", ".join(_either("min", name) for name in _FIRSTS)},
      {", ".join(_either("max", name) for name in _LASTS)}
"""

# Runs of persons

_REACHED: Final = f"""
    insert into runs (n, {_COLUMNS})
    select n, {_COLUMNS}
    from session_rollups
    where n in (
      select r.n
      from new_sessions s
      cross join session_rollups r on r.build = :build and r.owner = s.owner
        and r.started_ms between s.started_ms and s.ended_ms + {GAP_MS}
      where s.owner is not null
      union
      select (
        select iif(r.ended_ms >= s.started_ms - {GAP_MS}, r.n, null)
        from session_rollups r
        where r.build = :build and r.owner = s.owner and r.started_ms < s.started_ms
        order by r.started_ms desc
        limit 1
      )
      from new_sessions s
      where s.owner is not null
    )
"""

_NEW_RUNS: Final = f"insert into runs ({_COLUMNS}) select {_COLUMNS} from new_sessions where owner is not null"

_ISLANDS: Final = f"""
    insert into islands (n, first_ms, {_COLUMNS})
    select
      -- The row that goes on is the one that begins first, so that most joinings move nothing.
      json_group_array(n order by started_ms) filter (where n is not null) ->> 0,
      min(started_ms) filter (where n is not null), null, owner, owner, min(started_ms), max(ended_ms),
      {", ".join(f"sum({name})" for name in _COUNTS)},
      {", ".join(f"min({name})" for name in _FIRSTS)},
      {", ".join(f"max({name})" for name in _LASTS)}
    from (
      select *, sum(opens) over (partition by owner order by started_ms, ended_ms, n rows unbounded preceding) as nth
      from (
        select *, coalesce(started_ms - {GAP_MS} > max(ended_ms) over (
          partition by owner order by started_ms, ended_ms, n rows between unbounded preceding and 1 preceding
        ), 1) as opens
        from runs
      )
    ) i
    group by owner, nth
"""

_GONE: Final = "select n from runs where n is not null and n not in (select n from islands where n is not null)"

_MERGE_RUNS: Final = (
    f"delete from session_persons where n in ({_GONE})",
    f"delete from session_rollups where n in ({_GONE})",
    "insert into moved select n, tie, first_ms, started_ms from islands where started_ms < first_ms",
    f"""
    insert into session_rollups (n, build, {_COLUMNS})
    select n, :build, {_COLUMNS}
    from islands
    where true
    order by started_ms
    on conflict (n) do update set {", ".join(f"{name} = excluded.{name}" for name in _MERGED.split(", "))}
    """,
)

# Whose they are

# SCAR: not `update … from moved`, for which the planner goes through all that is there and looks each up among the few that moved.
_MOVE_PERSONS: Final = """
    update session_persons
    set started_ms = (select m.started_ms from moved m where m.n = session_persons.n)
    where n in (select n from moved)
"""

_PERSONS_OF_SESSIONS: Final = """
    insert or ignore into session_persons (n, person, build, started_ms, tie)
    select r.n, cast(cast(substr(s.person_last, 18) as text) as integer), :build, r.started_ms, r.tie
    from new_sessions s
    cross join session_rollups r on r.build = :build and r.session_id = s.session_id
    where s.session_id is not null
"""

_PERSONS_OF_RUNS: Final = """
    insert or ignore into session_persons (n, person, build, started_ms, tie)
    select r.n, r.owner, :build, r.started_ms, r.tie
    from islands i
    cross join session_rollups r on r.build = :build and r.owner = i.owner and r.started_ms = i.started_ms
"""

_FURTHER_PERSONS: Final = """
    insert or ignore into session_persons (n, person, build, started_ms, tie)
    select r.n, j.value ->> 2, :build, r.started_ms, r.tie
    from jsonb_each(:content) j
    cross join session_rollups r on r.build = :build and r.session_id = j.value ->> 1
    where j.value ->> 0 = 'person'
"""

# Where they were

_KEEP_MOVES: Final = (
    """
    insert into session_moves (project_id, tie, started_ms, change, before, old_ms, at_ms)
    select :project_id, m.tie, m.old_ms, :number, coalesce(
      (select max(e.change) from session_moves e where e.project_id = :project_id and e.tie = m.tie and e.started_ms = m.old_ms), 0
    ), m.old_ms, :now_ms
    from moved m
    where not exists (
      select 1 from session_moves e
      where e.project_id = :project_id and e.tie = m.tie and e.started_ms = m.old_ms and e.change = :number
    )
    """,
    # All moves of a session know where it is now.
    """
    update session_moves
    set started_ms = (select m.started_ms from moved m where m.tie = session_moves.tie and m.old_ms = session_moves.started_ms)
    where move in (
      select e.move
      from moved m
      cross join session_moves e on e.project_id = :project_id and e.tie = m.tie and e.started_ms = m.old_ms
    )
    """,
    f"delete from session_moves where move <= (select max(move) from session_moves) - {MAX_SESSION_MOVES}",
    f"""
    delete from session_moves
    where at_ms < :now_ms - {SESSION_MOVES_KEPT_MS}
      and move in (select move from session_moves order by move limit {FORGOTTEN_MOVES})
    """,
)


def apply(writer: apsw.Connection, change: Change, content: str) -> None:
    """See the package."""
    values: Values = {"build": change.build, "content": content, "number": change.number, "now_ms": change.now_ms}
    for statement in _STAGES:
        writer.execute(statement)
    for statement in (_STAGE_SESSIONS, _FIND_MOVED, _MERGE_SESSIONS):
        writer.execute(statement, values)
    if writer.execute("select exists (select 1 from new_sessions where owner is not null)").fetchall() == [(1,)]:
        for statement in (_REACHED, _NEW_RUNS, _ISLANDS, *_MERGE_RUNS):
            writer.execute(statement, values)
    for statement in (_MOVE_PERSONS, _PERSONS_OF_SESSIONS, _PERSONS_OF_RUNS, _FURTHER_PERSONS):
        writer.execute(statement, values)
    if change.is_live and writer.execute("select exists (select 1 from moved)").fetchall() == [(1,)]:
        ((project_id,),) = writer.execute("select project_id from rollup_builds where build = ?", (change.build,)).fetchall()
        for statement in _KEEP_MOVES:
            writer.execute(statement, {**values, "project_id": str(project_id)})
