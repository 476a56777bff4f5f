"""What a regular expression may cost. It is RE2's that runs it, in time linear in the text; but the factor is the pattern's.

RE2 follows every way through a pattern at once. Where there are few, it remembers each set of them and a character costs some nanoseconds;
`a.{900}b` has more sets than fit into any memory, and then each of its 900 places costs at every character: four minutes for 12 MB of
text, and nothing can stop the engine while it looks at a few thousand values. So a pattern's places are counted before it runs: a simple
one sees whole values, a costly one their beginning, and one beyond all reason is refused.
"""

import re
from typing import Final

from sv.model.limits import MAX_REGEX_CHARS
from sv.model.validate import Problems, read_text

SIMPLE_REGEX_COST: Final = 8
"""Of a pattern that sees whole values: 2^8 sets of places fit into the memory that the engine gives them."""

MAX_REGEX_COST: Final = 300
MAX_REGEX_COST_PER_QUERY: Final = 400
"""Of one pattern, and of all costly ones of a query. Real ones have some ten; one for a UUID has 32."""

MAX_REGEX_TEXT_CHARS: Final = 1024
"""Of a value, that a costly pattern sees. The engine looks at 2,048 values before it can be stopped: with patterns that cost 1,000
together, and values that were made for them, a minute."""

_COUNTED: Final = re.compile(r"\{([0-9]{1,9})(,([0-9]{0,9}))?\}", re.ASCII)
_WIDE: Final = frozenset("dDsSwWpPCX")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]?", re.DOTALL)
_QUOTED: Final = re.compile(r"\\Q.*?(?:\\E|\Z)", re.DOTALL)
_BRACED: Final = re.compile(r"\{[^{}]*\}")
_GROUP: Final = re.compile(r"\(\?[^:)>]*[:>]?")
_PART: Final = re.compile(
    r"""
    (?: (?P<char> [^\\^$.|?*+()\[\]{}] ) | \\ (?P<escaped> [!-/:-@\[-^`{-~] ) | [.^$] | \\[dDwWsSbB] | \[\^?[^\]\[\\]+\] )
    (?: (?P<times> [*+?] ) \?? )?
    """,
    re.VERBOSE | re.DOTALL,
)
"""Of a pattern without groups, choices and counted repetitions."""


def cost_of(pattern: str) -> int:
    """How many wildcards, classes, choices and repetitions the pattern has, with counted repetitions written out: `a.{900}b` has 900. For a
    text that is no regular expression the answer is some number."""
    costs = [0]
    last = at = 0
    while at < len(pattern):
        char = pattern[at]
        step = 1
        if char == "\\":
            atom, step = _escape(pattern, at)
        elif char == "[":
            found = _CLASS.match(pattern, at)
            atom, step = 1, len(found[0]) if found else 1
        elif char == "(":
            found = _GROUP.match(pattern, at)
            costs.append(0)
            atom, step = 0, len(found[0]) if found else 1
        elif char == ")" and len(costs) > 1:
            atom = costs.pop()
        elif char in "*+?":
            atom, last = 1, last + 1
            costs[-1] += atom
            at += 1
            continue
        elif char == "{" and (counted := _COUNTED.match(pattern, at)):
            times = max(int(counted[1]), int(counted[3] or 0), 1)
            written_out = times * max(last, 1)
            costs[-1] += written_out - last
            last = written_out
            at += len(counted[0])
            continue
        else:
            atom = int(char in ".|")
        costs[-1] += atom
        last = atom
        at += step
    return sum(costs)


def _escape(pattern: str, at: int) -> tuple[int, int]:
    """The cost and the length of what begins with a backslash."""
    quoted = _QUOTED.match(pattern, at)
    if quoted:
        return 0, len(quoted[0])
    kind = pattern[at + 1 : at + 2]
    braced = _BRACED.match(pattern, at + 2) if kind in ("p", "P", "x") else None
    return int(kind in _WIDE), 2 + (len(braced[0]) if braced else 0)


def required_text(pattern: str) -> str:
    """The longest text that whatever matches has in it; "" where there is none, or more to the pattern than parts one after the other."""
    runs, at = [""], 0
    while at < len(pattern):
        part = _PART.match(pattern, at)
        if part is None:
            return ""
        char = part["char"] or part["escaped"] or ""
        if part["times"] in (None, "+"):
            runs[-1] += char
        if not char or part["times"]:
            runs.append("")
        at = part.end()
    return max(runs, key=len)


def is_simple(pattern: str) -> bool:
    """Whether it may see a whole value, however long."""
    return cost_of(pattern) <= SIMPLE_REGEX_COST


def read_regex(value: object, path: str, problems: Problems) -> str | None:
    """A caller's regular expression, repaired; None after noting a problem. Whether it compiles only the engine can tell."""
    text = read_text(value, path, MAX_REGEX_CHARS, problems)
    if text is None:
        return None
    cost = cost_of(text)
    if cost <= MAX_REGEX_COST:
        return text
    parts = "wildcards, classes, choices and repetitions"
    problems.add(
        path, f"expected a regular expression of at most {MAX_REGEX_COST} {parts}, got {cost:,} once counted ones are written out"
    )
    return None
