"""The vocabulary: events, filters, queries, results, calendar, limits and errors.

Pure values and pure functions. Nothing here does I/O, reads a clock or speaks SQL, so every other room may import it.
"""
