"""Gives persons their numbers, even while the disk refuses to store them, so that acknowledged events stay readable on a full disk.

A number that can't be stored is given in memory, and stored unchanged as soon as the disk allows it. Ingest refuses events meanwhile, so
there are few such numbers: those of new persons among the events that wait.

# INVARIANT STORE-5: a number that is in memory alone is in no part. A flush stores all numbers before it commits (`keep`), and a crash
# before that leaves only the log, from which persons are numbered anew.
"""

import logging
import threading
from typing import Protocol

import msgspec

from sv.model.errors import Unavailable

log = logging.getLogger(__name__)

_numbers = msgspec.json.Decoder(list[int])
_numbers_or_ids = msgspec.json.Decoder(list[int | str])
_ids = msgspec.json.Decoder(list[str])


class KeptNumbers(Protocol):
    """The numbers on disk. Ids and numbers are JSON arrays, in the same order. New numbers count up from the project's last by one."""

    def number_persons(self, project_id: str, distinct_ids: str) -> str:
        """Gives numbers to those that have none. Raises ValueError, or Unavailable: then none of these was given."""
        ...

    def known_numbers(self, project_id: str, distinct_ids: str) -> str:
        """The same without giving new numbers: an id without a number stands for itself."""
        ...

    def last_number(self, project_id: str) -> int: ...

    def max_number(self) -> int: ...


class PersonNumbers:
    """Thread-safe."""

    def __init__(self, kept: KeptNumbers) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._unkept: dict[tuple[str, str], int] = {}
        """A project's in the order of numbers, which follow its kept ones without a gap."""

    def number_persons(self, project_id: str, distinct_ids: str) -> str:
        """A JSON array of distinct ids to the JSON array of their numbers, in the same order. Raises ValueError for anything else."""
        with self._lock:
            try:
                self._keep()
                return self._kept.number_persons(project_id, distinct_ids)
            except Unavailable as error:
                if not self._unkept:
                    log.warning("new persons are numbered in memory until the disk takes them: %s", error.message)
                return self._number_unkept(project_id, distinct_ids)

    def keep(self) -> None:
        """Returns once every number given is kept. Raises Unavailable."""
        with self._lock:
            self._keep()

    def max_number(self) -> int:
        """The largest number of any project; 0 before the first."""
        with self._lock:
            return max(self._kept.max_number(), *self._unkept.values(), 0)

    def _keep(self) -> None:
        while self._unkept:
            (project_id, distinct_id), number = next(iter(self._unkept.items()))
            given = _numbers.decode(self._kept.number_persons(project_id, msgspec.json.encode([distinct_id]).decode()))
            if given != [number]:
                raise RuntimeError(f"a person's number changed from {number} to {given} while it waited for the disk")
            del self._unkept[project_id, distinct_id]

    def _number_unkept(self, project_id: str, distinct_ids: str) -> str:
        known = _numbers_or_ids.decode(self._kept.known_numbers(project_id, distinct_ids))
        unkept = sum(project == project_id for project, _ in self._unkept)
        next_number = self._kept.last_number(project_id) + unkept + 1
        numbers: list[int] = []
        for distinct_id, number in zip(_ids.decode(distinct_ids), known, strict=True):
            if isinstance(number, str):
                number = self._unkept.setdefault((project_id, distinct_id), next_number)
                next_number += number == next_number
            numbers.append(number)
        return msgspec.json.encode(numbers).decode()
