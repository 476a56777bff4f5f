"""The only room that speaks a database's SQL.

`duck/` is the embedded DuckDB. What other rooms see of it is `port.py`: an `Engine` that answers queries over a snapshot and
the values it takes and gives. A second engine would stand beside `duck/` behind the same port.
"""
