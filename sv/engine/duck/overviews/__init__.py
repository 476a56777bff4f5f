"""A site at a glance. `overview_reading` is the door: sessions are found share by share (`overview_shares`), by `overview_sql`, and kept as
numbers (`overview_tables`)."""
