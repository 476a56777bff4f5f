"""A user's own statement (`sv sql`), run in a process of its own. `sql_run` is the door; `sv.engine.duck.sql` is not about those."""
