"""Finds the persons who may have a searched text in their distinct id, e-mail or name, with the full-text index.

Never walks through long lists of the index, nor through all persons where few have the text. The result includes everybody who has the text
and some who don't, so the reader has to compare. A text of one character is too common to be looked up.
"""

import sys
from typing import Final

import msgspec
from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.persons import Persons
from sv.meta.rollups.persons import SEARCH_BITS
from sv.model.search import WINDOW_CHARS, spellings, windows

TRIGRAM: Final = 3
"""Characters that the index of texts, and of their windows, is made of."""

PAIR: Final = TRIGRAM - 1
"""Characters of the shortest text that is looked up, by all that it begins."""

MAX_TRIGRAMS: Final = 20
"""Of a search that are looked at. What they leave is compared with the whole text, so fewer would only be slower."""

SAMPLED: Final = 50
"""Persons of a trigram that are read, the newest. One that fewer persons have is rare: to compare the texts of these few costs no more than
to look at two further trigrams."""

MAX_RAREST: Final = 3
"""Trigrams that are searched for where none is rare."""

MAX_BEGUN: Final = 64
"""Trigrams that a pair may begin, some 30 µs each. More of them are in so many texts that persons read from the newest on fill a page."""

_MASK: Final = (1 << SEARCH_BITS) - 1
_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"

# Numbers below ?3 of those that ?2 is in, in the project's build.
_NEWEST: Final = f"""
    select f.rowid & {_MASK}
    from person_search f
    where f.person_search match ?2
      and f.rowid >= {_BUILD} << {SEARCH_BITS}
      and f.rowid < ({_BUILD} << {SEARCH_BITS}) + min(?3, {_MASK})
    order by f.rowid desc
    limit {SAMPLED}
"""

# The trigrams from ?1 to ?2. TRICKY: each is looked for anew, since going on from one to the next walks through all who have it;
# and from right after the last one, which is itself among those that are `>` it until SQLite has looked at each of them.
_BEGUN: Final = f"""
    with recursive begun (term) as (
      select (select term from person_terms where term >= ?1 and term <= ?2 limit 1)
      union all
      select (select term from person_terms where term >= begun.term || char(1) and term <= ?2 limit 1)
      from begun
      where begun.term is not null
      limit {MAX_BEGUN + 2}
    )
    select term from begun where term is not null
"""


class Narrowed(Struct, frozen=True):
    """The persons who may have a text: those with `numbers`, and those that the index finds for `match`, if that isn't None.

    gap: the average distance between the numbers of the newest of them; 0 where that isn't known.
    """

    numbers: list[int]
    match: str | None = None
    gap: float = 0.0


class PersonTexts:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._numbers = Persons(meta)

    def narrow(self, project_id: str, text: str, before: int) -> Narrowed | None:
        """The persons of numbers below `before` who may have this folded text; None where it can be anybody."""
        if len(text) >= TRIGRAM:
            return self._by_trigrams(project_id, trigrams_of(text), before)
        return self._by_pair(project_id, text) if len(text) == PAIR and "\0" not in text else None

    def _by_trigrams(self, project_id: str, trigrams: list[str], before: int) -> Narrowed:
        """By the first trigram that is rare; if none is, by those whose newest persons lie furthest apart."""
        spread: list[tuple[int, str]] = []
        for trigram in trigrams:
            numbers = [int(str(number)) for (number,) in self._meta.rows(_NEWEST, project_id, trigram, before)]
            if len(numbers) < SAMPLED:
                return Narrowed(numbers)
            spread.append((numbers[0] - numbers[-1], trigram))
        spread.sort(reverse=True)
        return Narrowed([], " AND ".join(trigram for _, trigram in spread[:MAX_RAREST]), spread[0][0] / SAMPLED)

    def _by_pair(self, project_id: str, text: str) -> Narrowed | None:
        """By the trigrams that it begins: in what is indexed, a text is followed by its windows. One of two characters has none and is not
        indexed, and so it is looked for among the distinct ids."""
        begun = [str(term) for (term,) in self._meta.rows(_BEGUN, text, text + chr(sys.maxunicode))]
        if len(begun) > MAX_BEGUN:
            return None
        ids = msgspec.json.encode(spellings(text)).decode()
        known = msgspec.json.decode(self._numbers.known_numbers(project_id, ids), type=list[int | str])
        return Narrowed(sorted({number for number in known if isinstance(number, int)}), " OR ".join(map(_quoted, begun)) or None)


def trigrams_of(text: str) -> list[str]:
    """Trigrams of the text as search terms, or of its windows where it is long enough; a few that are evenly spread where there are
    many."""
    if len(text) >= TRIGRAM + WINDOW_CHARS - 1:
        text = windows(text)
    last = len(text) - TRIGRAM
    starts = sorted({last * nth // (MAX_TRIGRAMS - 1) for nth in range(MAX_TRIGRAMS)})
    return list(dict.fromkeys(_quoted(text[start : start + TRIGRAM]) for start in starts))


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
