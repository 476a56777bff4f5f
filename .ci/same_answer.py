#!/usr/bin/env python3
"""Does a JSON answer say what the README shows? `same_answer.py SHOWN GOT [keys=PATH,PATH] [tolerance=RATIO]`

SHOWN and GOT are files. Without `keys` the documents must be equal. With it only the values at those paths
must be; a path is names joined by dots, `[]` after a name stands for each element: `steps[].count`. A list of
another length is a difference. With `tolerance` two numbers are equal where they differ by at most that share
of the shown one. Exits 1 with a line for each difference. A path that the shown answer does not have is an
error: it would compare nothing.
"""
# ruff: noqa: T201 - a command line that prints

import json
import sys
from pathlib import Path
from typing import Any

ABSENT = object()


def values_at(document: Any, path: str) -> dict[str, Any]:
    """The concrete paths that `path` stands for, each with its value; a missing name gives `ABSENT`."""
    found = {"": document}
    for part in path.split("."):
        name, is_each = part.removesuffix("[]"), part.endswith("[]")
        found = {
            f"{at}.{name}".lstrip("."): value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
            for at, value in found.items()
        }
        if is_each:
            lists = {at: value for at, value in found.items() if isinstance(value, list)}
            found = {f"{at}[{i}]": item for at, items in lists.items() for i, item in enumerate(items)}
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(shown: Any, got: Any, tolerance: float) -> bool:
    if is_number(shown) and is_number(got):
        return abs(got - shown) <= tolerance * abs(shown)
    return type(shown) is type(got) and bool(shown == got)


def differences(shown: Any, got: Any, keys: list[str], tolerance: float) -> list[str]:
    """One line for each difference, none where the answers agree."""
    if not keys:
        return [] if shown == got else [f"shown {json.dumps(shown)}, got {json.dumps(got)}"]
    lines: list[str] = []
    for key in keys:
        expected, actual = values_at(shown, key), values_at(got, key)
        if not expected or ABSENT in expected.values():
            sys.exit(f"same_answer: the shown answer has nothing at {key}")
        for at in dict.fromkeys([*expected, *actual]):
            pair = expected.get(at, ABSENT), actual.get(at, ABSENT)
            if not is_same(*pair, tolerance):
                there, here = ("nothing" if value is ABSENT else json.dumps(value) for value in pair)
                lines.append(f"{at}: shown {there}, got {here}")
    return lines


def main(shown_file: str, got_file: str, *options: str) -> int:
    named = dict(option.split("=", 1) for option in options)
    keys = [key for key in named.pop("keys", "").split(",") if key]
    tolerance = float(named.pop("tolerance", 0))
    if named:
        sys.exit(f"same_answer: unknown option {', '.join(named)}")
    documents = []
    for file in (shown_file, got_file):
        try:
            documents.append(json.loads(Path(file).read_text("utf-8")))
        except ValueError as error:
            sys.exit(f"same_answer: {file} is not JSON ({error}): {Path(file).read_text('utf-8')[:500]!r}")
    lines = differences(*documents, keys, tolerance)
    print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
