"""The locks pin what pyproject.toml asks for, with hashes, and leave the package host to whoever installs."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shape.repository import texts

LOCKS = ["requirements.lock", "requirements-dev.lock"]
PIN = re.compile(r"^([\w.-]+)==(\S+)[^\n]*\\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE)


def pins(lock: str) -> dict[str, set[str]]:
    """The versions of each package that has hashes; several where the Python version decides."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(texts()[lock]):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for: the product's needs, the build backend and, in the larger lock, tools."""
    asked = tomllib.loads(texts()["pyproject.toml"])
    lines = [*asked["project"]["dependencies"], *asked["build-system"]["requires"]]
    if lock == "requirements-dev.lock":
        lines += asked["dependency-groups"]["dev"]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_that_pyproject_asks_for(lock: str) -> None:
    pinned = pins(lock)
    for requirement in wanted(lock):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}; run ./task lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}: locked is {versions}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_package_and_names_no_place(lock: str) -> None:
    text = texts()[lock]
    assert len(re.findall(r"^\w.*==", text, re.MULTILINE)) == len(PIN.findall(text)) > 0
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "an option that says where to install from"


def test_the_larger_lock_contains_the_smaller() -> None:
    smaller, larger = (pins(lock) for lock in LOCKS)
    assert smaller.items() <= larger.items()
