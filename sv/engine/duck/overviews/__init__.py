"""A site at a glance. `overview_reading` is the door: figures come out of key files where they can (`overview_keys`); for the rest sessions
are found share by share (`overview_shares`), by `overview_sql`, and kept as numbers (`overview_tables`)."""
