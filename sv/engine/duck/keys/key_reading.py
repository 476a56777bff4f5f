"""Answers funnel steps, trends and pages from key files, without decoding Parquet, where conditions look at coded columns and properties.
What codes can't answer (`key_conditions`, `key_values`), and parts without a key file, are left to the caller."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

import numpy as np

from sv.engine.duck.funnels.step_keys import Kept, covers
from sv.engine.duck.keys.fingerprints import sought
from sv.engine.duck.keys.key_blocks import Range, rows_of
from sv.engine.duck.keys.key_conditions import (
    Alternative,
    Answer,
    Answers,
    alternatives_of,
    answers_of,
    values_wanted,
)
from sv.engine.duck.keys.key_files import KeyFile, Keys, Reading
from sv.engine.duck.keys.key_matching import Matched, answered_in, count_in, foreign_in, matched_in, stretches_of
from sv.engine.duck.keys.key_numbers import numbers_by_file
from sv.engine.duck.keys.key_values import Files, Valued, values_by_file
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.keys.session_numbers import Numberings, SessionNumbers
from sv.engine.duck.keys.value_conditions import ask_ahead
from sv.engine.duck.run import Statements
from sv.engine.port import Limits, Matcher, Scope
from sv.model.part import Part

ROWS_A_TASK: Final = 4_000_000
"""Of files that one thread reads at least. TRICKY: what is done with a file is many short calls of numpy, between any two of which threads
wait for Python's lock. Of 2 million events in sixty files a trend of unique persons by device took 68 ms on four threads, 52 on two and 31
on one; of 10 million 121, 90 and 118."""

MAX_TASKS: Final = 4
"""Threads that read files, at most."""

Result = TypeVar("Result")


class KeyReader:
    """Thread-safe."""

    def __init__(self, statements: Statements, files: KeyFiles, executor: Executor, numberings: Numberings) -> None:
        self._statements = statements
        self._files = files
        self._executor = executor
        self._numberings = numberings

    def read(
        self,
        parts: Sequence[Part],
        scope: Scope,
        steps: Sequence[Matcher],
        origin_ms: int,
        known: Sequence[Collection[int]],
        limits: Limits,
        sessions: SessionNumbers | None = None,
    ) -> list[dict[int, Kept]]:
        """For each step, what matches it in each part, at whatever time; without parts where key files can't tell, and without `known`
        ones. Times of parts that lie within the scope's range are counted from `origin_ms`, which isn't after any of them. sessions: the
        keys are of sessions, in any order, and rows without a session id are left out."""
        found: list[dict[int, Kept]] = [{} for _ in steps]
        asked = [(place, some) for place, step in enumerate(steps) if (some := alternatives_of(scope, step)) is not None]
        files = _numbered(
            self._files.of([part for part in parts if any(part.part_id not in known[place] for place, _ in asked)]), sessions
        )
        if not files:
            return found
        answers = self._answers([one for _, some in asked for one in some], files, limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> list[tuple[int, int, Kept]]:
            origin = origin_ms if covers(scope, part) else file.origin_ms
            shift = np.uint64(file.origin_ms - origin)
            found: list[tuple[int, int, Kept]] = []
            for place, some in asked:
                answered = None if part.part_id in known[place] else answered_in(some, file, answers)
                if answered is not None:
                    keys = matched_in(file, reading, answered, None, in_order=sessions is None, sessions=sessions).keys
                    keys += shift  # here, while they are in the processor's cache
                    found.append((place, part.part_id, Kept(keys, origin)))
            return found

        for matched in self._in_files(files, look, limits).values():
            for place, part_id, kept in matched:
                found[place][part_id] = kept
        return found

    def reduce(
        self,
        parts: Sequence[Part],
        scope: Scope,
        matcher: Matcher,
        wanted: Valued | None,
        work: Callable[[Part, "Matched"], Result | None],
        limits: Limits,
        *,
        in_order: bool = True,
        number_of: str | None = None,
        sessions: SessionNumbers | None = None,
        spares_prints: bool = False,
    ) -> dict[int, Result]:
        """Apply `work` to everything in a part that matches, at whatever time. Returns the results by part, without parts where key
        files can't tell. wanted: a column or property whose codes come along, in parts where they are known and null hides no value of
        another type. in_order: whether keys have to ascend. number_of: a property whose numbers' codes come along, in parts where they
        are known. sessions: the keys are of sessions, and rows without a session id are left out. spares_prints: whether a part whose Bloom
        filters say in which of its rows a condition may hold counts as one that key files can't tell of, rather than have all its values
        looked through. A part for which `work` has no result (None) is left out."""
        some = alternatives_of(scope, matcher)
        files = _numbered(self._files.of(parts), sessions)
        if some is None or not files:
            return {}
        answers = self._answers(some, files, limits, spares_prints=spares_prints)
        values = {} if wanted is None else values_by_file(wanted, files, self._statements, self._files.give_up, limits)
        numbers = {} if number_of is None else numbers_by_file(number_of, files, self._files.give_up)

        def look(part: Part, file: KeyFile, reading: Reading) -> Result | None:
            answered = answered_in(some, file, answers)
            if answered is None or (wanted is not None and file not in values) or (number_of is not None and file not in numbers):
                return None
            matched = matched_in(
                file, reading, answered, values.get(file), numbers.get(file), in_order=in_order, sessions=sessions
            )
            return None if wanted is not None and wanted.is_column and matched.has_null else work(part, matched)

        return {part_id: result for part_id, result in self._in_files(files, look, limits).items() if result is not None}

    def sessions_of(self, parts: Sequence[Part]) -> SessionNumbers | None:
        """The numbers of the sessions in these parts' key files. None where most rows would have to be read elsewhere all the same: from
        parts without key files, or since they have no session id. Raises UnreadableSessions."""
        files = [(part, file) for part, file in self._files.of(parts) if file.sessions is not None]
        numbers = self._numberings.of(files) if files else None
        return numbers if numbers is not None and 2 * numbers.rows >= sum(part.rows for part in parts) else None

    def counts(self, parts: Sequence[Part], scope: Scope, matcher: Matcher, limits: Limits) -> dict[int, int]:
        """How many rows match in each part, at whatever time, where that follows from what is in memory, without reading any row."""
        some = alternatives_of(scope, matcher)
        files = self._files.of(parts)
        if some is None or not files:
            return {}
        answers = self._answers(some, files, limits, reads_rows=False)
        answered = ((part, file, answered_in(some, file, answers)) for part, file in files)
        counts = ((part.part_id, count_in(file, answered)) for part, file, answered in answered if answered is not None)
        return {part_id: count for part_id, count in counts if count is not None}

    def rows(self, parts: Sequence[Part], scope: Scope, matcher: Matcher) -> dict[int, tuple[Range, ...]]:
        """For each part with Bloom filters, the half-open ranges of rows (in the part's order) that may match."""
        some = alternatives_of(scope, matcher)
        files = [(part, file) for part, file in self._files.of(parts) if file.fingerprints]
        return {} if some is None else rows_of(files, some, self._files.give_up)

    def foreign(
        self, parts: Sequence[Part], scope: Scope, steps: Sequence[Matcher], keep: Callable[[Keys], Keys], limits: Limits
    ) -> dict[int, list[Kept]]:
        """By part, the rows in scope that match none of the steps and that `keep` lets through, in any order, where key files can tell."""
        scoped, of_steps = alternatives_of(scope, Matcher(None)), [alternatives_of(scope, step) for step in steps]
        files = self._files.of(parts)
        if scoped is None or None in of_steps or not files:
            return {}
        asked = [one for some in of_steps if some is not None for one in some]
        answers = self._answers([*scoped, *asked], files, limits)

        def look(_: Part, file: KeyFile, reading: Reading) -> list[Kept] | None:
            within, answered = answered_in(scoped, file, answers), answered_in(asked, file, answers)
            if within is None or answered is None:
                return None
            pieces = (foreign_in(reading, low, high, within[0][1], needs) for low, high, needs in stretches_of(file, answered))
            return [Kept(keep(keys), file.origin_ms) for keys in pieces if keys.size]

        return {part_id: found for part_id, found in self._in_files(files, look, limits).items() if found is not None}

    def _in_files(
        self, files: Sequence[tuple[Part, KeyFile]], look: Callable[[Part, KeyFile, Reading], Result], limits: Limits
    ) -> dict[int, Result]:
        """Apply `look` to each file, several in parallel. Returns the results by part; a file that can't be read is left out."""

        def look_at(some: Sequence[tuple[Part, KeyFile]]) -> list[tuple[int, Result]]:
            results: list[tuple[int, Result]] = []
            for part, file in some:
                limits.check()
                try:
                    with Reading(file) as reading:
                        results.append((part.part_id, look(part, file, reading)))
                except OSError as error:
                    self._files.give_up(part, file, error)
            return results

        return {part_id: result for results in self._executor.map(look_at, _shares(files)) for part_id, result in results}

    def _answers(
        self,
        asked: Sequence[Alternative],
        files: Sequence[tuple[Part, KeyFile]],
        limits: Limits,
        *,
        spares_prints: bool = False,
        reads_rows: bool = True,
    ) -> Answers:
        needs = {need for one in asked for need in one.needs}
        answers = answers_of(needs, files, self._statements, self._files.give_up, limits)
        if spares_prints:
            answers = {key: each for key, each in answers.items() if isinstance(each, Answer) or sought(key[0].item) is None}
        if reads_rows:
            ask_ahead(values_wanted(asked, files, answers), self._executor)
        return answers


def _numbered(files: Files, sessions: SessionNumbers | None) -> Files:
    """Those of which sessions are wanted; all where none are."""
    return files if sessions is None else [each for each in files if each[1] in sessions.of_file]


def _shares(files: Sequence[tuple[Part, KeyFile]]) -> list[list[tuple[Part, KeyFile]]]:
    """Divides the files among threads, with about as many rows each."""
    rows = sum(file.rows for _, file in files)
    count = min(max(rows // ROWS_A_TASK, 1), MAX_TASKS)
    shares: list[list[tuple[Part, KeyFile]]] = [[] for _ in range(count)]
    before = 0
    for part, file in files:
        shares[before * count // max(rows, 1)].append((part, file))
        before += file.rows
    return [share for share in shares if share]
