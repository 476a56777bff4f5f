"""Series. `trend_reading` is the door: out of key files by `trend_keys` and `trend_numbers`, and by `trend_sql` where they don't tell."""
