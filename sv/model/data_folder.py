"""What a data folder holds, by the names that more than one room has to know."""

from typing import Final

CATALOG: Final = "sv.db"
"""SQLite's file, of `sv.meta`: all but the events. A folder without one is no data folder."""

MANIFEST: Final = "backup.json"
"""Lists the files of a copy that `sv backup` took. A folder with one and without a catalog is no data folder, but holds a backup."""

STUMP: Final = b"being restored\n"
"""All that is in it until `sv restore` has put everything else in its place."""
