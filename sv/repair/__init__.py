"""Checks a data folder at rest (do catalog, event files and log fit together?) and rebuilds a lost catalog from its files."""
