"""The books of a data folder: what became of every event that it ever took in.

    ingested + imported = stored + queued + set aside + repeated + removed

Answers for the words. Each event is in exactly one of the five states at every moment; what moves it from one to another does
so in one step (`sv.meta.ledger` on disk, `sv.store.event_store` in memory).
Never counts what was rejected, nor a retry of a request: neither was taken in.
"""

from msgspec import Struct


class Tally(Struct, frozen=True, kw_only=True):
    """What became of the batches that a flush covers. repeated, set_aside and removed are not in its files.

    ingested: events that were acknowledged. bots: of those in its files, the ones marked `$is_bot`.
    """

    ingested: int = 0
    repeated: int = 0
    set_aside: int = 0
    removed: int = 0
    bots: int = 0


class Ledger(Struct, frozen=True, kw_only=True):
    """One reading, over the folder's whole life.

    ingested: acknowledged with a 202. imported: taken in by imports, without repetitions.
    stored: rows of live event files. queued: acknowledged and not yet in files (in the log and in memory).
    set_aside: of batches and files that could not be read. repeated: left out, since their `eventId` had come before.
    removed: erased, expired, emptied by a reset, or of a deleted project. bots: of all that were ever flushed, those marked `$is_bot`.
    """

    ingested: int
    imported: int
    stored: int
    queued: int
    set_aside: int
    repeated: int
    removed: int
    bots: int

    @property
    def imbalance(self) -> int:
        """Events taken in minus events in any of the states. It is always 0 unless the books are wrong."""
        return self.ingested + self.imported - self.stored - self.queued - self.set_aside - self.repeated - self.removed
