"""A durable, append-only log of opaque bytes.

    log = Log.open(folder, deliver=tell_the_waiting)
    for frame in log.replay(after_seq):  ...     # what an earlier process acknowledged
    log.append(body, tag)                        # returns at once; `deliver` follows when it is on disk
    log.truncate_below(seq)                      # these records are durable elsewhere now

Answers for: a record that was acknowledged survives a crash, a kill and a power cut, and is read back once,
whole and in order. Knows nothing of what it stores, and imports nothing else of the product.
"""

from sv.wal.damage import DamageReport
from sv.wal.fault import LogFault
from sv.wal.frame import MAX_PAYLOAD_BYTES
from sv.wal.log import Commit, Log
from sv.wal.replay import Frame

__all__ = ["MAX_PAYLOAD_BYTES", "Commit", "DamageReport", "Frame", "Log", "LogFault"]
