"""Nothing unfinished, switched off, or of one machine alone is under version control.

The patterns are written so that they do not match this file.
"""

import re

from tests.shape.repository import texts

UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|HA[C]K)\b|NotImplemented[E]rror")
SWITCHED_OFF = re.compile(r"pytest\.s[k]ip|mark\.s[k]ip|s[k]ipif|import[o]rskip|\bx[f]ail\b|unittest\.s[k]ip")
MACHINE_PATH = re.compile(r"(?<![\w.:/<>-])/(?:h[o]me|r[o]ot|w[o]rk|U[s]ers)/\w")
PACKAGE_HOST = re.compile(r"\b(?:p[y]pi|pythonh[o]sted|n[p]mjs|d[e]bian|cr[a]tes|gol[a]ng)\.(?:org|com|io)\b")


def lines_with(pattern: re.Pattern[str], suffix: str = "") -> list[str]:
    """`file:line: the line`, for each line in which the pattern is found, of the files with that suffix."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        if name.endswith(suffix)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_marked_as_unfinished() -> None:
    assert not lines_with(UNFINISHED)


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    assert not lines_with(SWITCHED_OFF, ".py")


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert not lines_with(MACHINE_PATH)


def test_no_file_names_a_package_host() -> None:
    assert not lines_with(PACKAGE_HOST)


def test_every_line_of_what_we_wrote_ends_in_a_line_feed_alone() -> None:
    authored = {name: text for name, text in texts().items() if text and not name.startswith("tests/")}
    assert not [name for name, text in authored.items() if "\r" in text]
    assert not [name for name, text in authored.items() if not text.endswith("\n") or text.endswith("\n\n")]
