"""What an operator or a client can meet is in the documentation, and what the documentation names exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec
import pytest

from sv.cli.server_access import COMMAND_VARIABLES
from sv.model.errors import SvError
from sv.settings import Settings
from sv.settings.loading import CONFIG_VARIABLE
from tests.shape.repository import ROOT, markdown, texts

VARIABLE = re.compile(r"\bSV_[A-Z0-9]+(?:_[A-Z0-9]+)*\b(?!_)")
PAGE = re.compile(r"(?<![\w/.-])(?:docs/[\w-]+|[A-Z]{2,})\.md\b")
SECTION = re.compile(r'(docs/[\w-]+\.md), "([^"]+)"')
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
PLACE = re.compile(r"\]\((?!\w+:)([^)#\s]*)#([^)\s]+)\)")


def variables() -> set[str]:
    of_the_one_file = set(VARIABLE.findall(texts()["executable/header.sh"]))
    return {
        CONFIG_VARIABLE,
        *COMMAND_VARIABLES,
        *of_the_one_file,
        *(f"SV_{field.name.upper()}" for field in msgspec.structs.fields(Settings)),
    }


def descendants(root: type[SvError]) -> Iterator[type[SvError]]:
    yield root
    for child in root.__subclasses__():
        yield from descendants(child)


def test_every_setting_is_in_the_configuration_page() -> None:
    named = set(VARIABLE.findall(texts().get("docs/configuration.md", "")))
    assert not variables() - named


def test_every_setting_that_is_named_exists() -> None:
    places = markdown() | {name: texts()[name] for name in ("Dockerfile", "compose.yml")}
    named = {f"{name}: {variable}" for name, text in places.items() for variable in VARIABLE.findall(text)}
    assert not {line for line in named if line.partition(": ")[2] not in variables()}


def test_every_error_code_is_in_the_documentation() -> None:
    docs = "\n".join(markdown("docs/").values())
    codes = {error.code for error in descendants(SvError)}
    assert not {code for code in codes if not re.search(rf"\b{code}\b", docs)}


def test_every_link_leads_to_a_file_and_every_page_is_linked() -> None:
    targets = {
        (ROOT / PurePosixPath(name).parent / link).resolve() for name, text in markdown().items() for link in LINK.findall(text)
    }
    assert not [str(target) for target in targets if not target.exists()]
    assert not [name for name in markdown("docs/") if (ROOT / name).resolve() not in targets]


def test_every_link_into_a_page_leads_to_a_heading() -> None:
    pages = {(ROOT / name).resolve(): text for name, text in markdown().items()}
    headings = {page: {anchor(line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)} for page, text in pages.items()}
    assert not [
        f"{page.name}: {link}#{place}"
        for page, text in pages.items()
        for link, place in PLACE.findall(text)
        if place not in headings.get((page.parent / link).resolve() if link else page, set())
    ]


def anchor(heading: str) -> str:
    """As GitHub names it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("room", ["engine/duck", "insights", "meta"])
def test_the_map_of_a_large_room_names_each_of_its_modules(room: str) -> None:
    folder = ROOT / "sv" / room
    named = set(re.findall(r"\w+", ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""))
    assert not sorted({path.stem for path in folder.glob("*.py") if path.stem != "__init__"} - named)


def test_every_page_and_section_that_code_names_exists() -> None:
    code = {name: text for name, text in texts().items() if name.endswith(".py") and name.startswith("sv/")}
    assert {
        f"{name}: {page}" for name, text in code.items() for page in PAGE.findall(text) if not (ROOT / page).exists()
    } == set()
    sections = {each for text in code.values() for each in SECTION.findall(text)}
    assert sections
    assert {
        section for page, section in sections if not re.search(rf"^#+ {re.escape(section)}$", texts()[page], re.MULTILINE)
    } == set()
