"""Whether a JSON text may have an integer outside 64 bits, which is to be read as a double (docs/api.md, "Fields")."""

from typing import Any, Final

LONG_DIGITS: Final = 19

_STRIDE: Final = 3
"""Of every so many bytes one is looked at: fewer would find times, which every event has, and more find nothing else."""


def may_have_long_integers(text: Any) -> bool:
    """Whether there may be a run of digits as long as such an integer's; a quick check, in half of a regular expression's time. text: a
    numpy array of its bytes, unsigned."""
    is_digit = text[::_STRIDE] - text.dtype.type(ord("0")) < 10
    follow = is_digit
    for nth in range(1, LONG_DIGITS // _STRIDE):
        follow = follow[:-1] & is_digit[nth:]
    return bool(follow.any())


def has_as_many_digits(text: Any) -> bool:
    """Whether there is a run of digits as long as such an integer's; fractions, of seventeen digits at most, don't have one. Takes three
    times as long."""
    follow = text - text.dtype.type(ord("0")) < 10
    length = 1
    while length < LONG_DIGITS:
        step = min(length, LONG_DIGITS - length)
        follow = follow[:-step] & follow[step:]
        length += step
    return bool(follow.any())
