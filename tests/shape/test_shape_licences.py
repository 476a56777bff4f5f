"""Everything that the locks pin may be given on with the product, and used to build it: under a licence that somebody has looked at."""

import json
import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from tests.shape.repository import texts
from tests.shape.test_shape_locks import pins

ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib"),
    "MPL-2.0",  # binds changes of its own files alone, and none is changed here
    "any-OSI",  # whichever one likes
}
SAME = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "BSD 2-Clause License": "BSD-2-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
SAID_ELSEWHERE = {"crawler-user-agents": "MIT", "colorama": "BSD-3-Clause", "rich-click": "MIT"}
"""Of packages whose metadata says nothing short, or which are installed on Windows alone: as their repositories say."""


def licences(found: PackageMetadata) -> set[str]:
    """What a package says of itself, by the first of the three places that says anything short."""
    classifiers = [line.rpartition(" :: ")[2] for line in found.get_all("Classifier") or [] if line.startswith("License ::")]
    text = found.get("License") or ""
    said = found.get("License-Expression") or ("" if "\n" in text or len(text) > 60 else text)
    named = re.split(r" (?:AND|OR) ", said) if said else classifiers
    return {SAME.get(name, name) for name in named}


def licences_of(package: str) -> set[str]:
    try:
        found = licences(metadata(package))
    except PackageNotFoundError:
        found = set()
    return found or {SAID_ELSEWHERE[package]}


def test_every_pinned_python_package_has_a_licence_that_is_allowed() -> None:
    said = {package: licences_of(package) for package in pins("requirements-dev.lock")}
    assert {package: names for package, names in said.items() if not names <= ALLOWED} == {}
    assert len(said) > 50


def test_every_package_of_the_web_app_has_a_licence_that_is_allowed() -> None:
    packages = json.loads(texts()["ui/package-lock.json"])["packages"]
    said = {path: package.get("license", "") for path, package in packages.items() if path}
    assert {path: name for path, name in said.items() if name not in ALLOWED} == {}
    assert len(said) > 50
