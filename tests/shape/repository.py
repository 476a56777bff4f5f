"""What the shape tests look at: the repository as files, and the product's own modules as syntax trees."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """A module of the product: its path from the root, its lines and its tree."""

    path: str
    lines: list[str]
    tree: ast.Module


@cache
def texts() -> dict[str, str]:
    """Every text file that is, or is about to be, under version control, by its path from the root.

    A file with a NUL byte is not text. A file that disappears while the list is read is left out.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str] = {}
    for name in sorted(set(listed.stdout.split("\0")) - {""}):
        path = ROOT / name
        if path.is_file() and b"\0" not in (raw := path.read_bytes()):
            found[name] = raw.decode()
    assert {"pyproject.toml", "task", "sv/__init__.py"} <= found.keys(), "not the repository that was meant"
    return found


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the product."""
    return tuple(
        Module(name, text.splitlines(), ast.parse(text, name))
        for name, text in texts().items()
        if name.startswith("sv/") and name.endswith(".py")
    )


def markdown(under: str = "") -> dict[str, str]:
    """The pages whose path starts with `under`."""
    return {name: text for name, text in texts().items() if name.startswith(under) and name.endswith(".md")}
