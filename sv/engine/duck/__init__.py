"""DuckDB, embedded: the only package that imports `duckdb`. Importing it takes a tenth of a second: do so lazily."""
