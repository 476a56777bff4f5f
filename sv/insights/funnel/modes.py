"""The modes of a funnel and which of them may be combined.

Answers for: the closed set of names and ClickHouse's own refusals. Of the 32 sets of the five modes
ClickHouse 26.9 accepts 24 and refuses the eight that have `allow_reentry` without `strict_order`. Never
imports numpy.

    strict_deduplication  an entry of a step from the second on whose level is already reached ends the pass
    strict_order          a row that matches no step, or a step that comes too early, ends the pass
    strict_increase       every step is later than the one before it, not at the same instant
    strict_once           a row serves for one step only
    allow_reentry         with `strict_order`: a step that comes too early is skipped instead
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from sv.model.errors import ValidationFailed

Mode: TypeAlias = Literal["strict_deduplication", "strict_order", "strict_increase", "strict_once", "allow_reentry"]

MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""All modes, in the order in which messages list them."""


def check_modes(modes: Iterable[str]) -> frozenset[Mode]:
    """The modes as a set; repeats collapse.

    Raises ValidationFailed at `modes` for a name outside the closed set and for `allow_reentry` without
    `strict_order`.
    """
    wanted = set(modes)
    known: frozenset[Mode] = frozenset(mode for mode in MODES if mode in wanted)
    unknown = sorted(wanted.difference(known))
    if unknown:
        # The name is a stranger's: quoted and cut, so that it can neither break the message nor fill it.
        raise ValidationFailed.at("modes", f"expected any of {', '.join(MODES)}, got {unknown[0][:64]!r}")
    if "allow_reentry" in known and "strict_order" not in known:
        raise ValidationFailed.at("modes", "allow_reentry is allowed only together with strict_order")
    return known


def needs_rows(modes: frozenset[Mode]) -> bool:
    """Whether it matters which entries belong to one row, so that keys a step are not enough.

    Only `strict_once` asks that, and not together with `strict_increase`: entries of one row share their
    timestamp, so a chain that always moves on in time never uses a row twice.
    """
    return "strict_once" in modes and "strict_increase" not in modes
