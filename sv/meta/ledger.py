"""The books on disk: counters that move in the transactions in which the catalog changes, so that a kill leaves both or neither.

What is stored is not counted but summed over the live parts. What is queued is in memory alone (`sv.store.event_store`).

# INVARIANT LEDGER-1: each event that was taken in is in one state.
"""

import apsw

from sv.meta.db import Meta
from sv.model.ledger import Ledger, Tally

_ADD = "update counters set value = max(value + ?2, 0) where name = 'events_' || ?1"
_READ = "select substr(name, 8), value from counters where name glob 'events_*'"
_STORED = "select coalesce(sum(rows), 0) from parts where state = 'live'"
_BOTH = f"{_READ} union all select 'stored', ({_STORED})"
"""One statement, and so one moment."""


def read_ledger(meta: Meta) -> Ledger:
    """What the catalog knows, with nothing queued."""
    counted = {str(name): int(str(value)) for name, value in meta.rows(_BOTH)}
    return Ledger(**counted, queued=0)


def add_tally(writer: apsw.Connection, tally: Tally) -> None:
    """Enter a flush, inside its transaction."""
    for name in Tally.__struct_fields__:
        count(writer, name, getattr(tally, name))


def count(writer: apsw.Connection, name: str, number: int) -> None:
    """Add to one of the counters, inside a transaction of the caller.

    A fault in the books never fails the transaction: it shows as an imbalance.
    """
    if number:
        writer.execute(_ADD, (name, number))
