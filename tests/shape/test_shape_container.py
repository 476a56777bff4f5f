"""The image's description fits the repository; `.ci/image-check` builds and runs it."""

import re
from fnmatch import fnmatch
from typing import Any, cast

import yaml

from tests.shape.repository import ROOT, texts


def copied() -> list[str]:
    """What the Dockerfile takes from the checkout: the sources of each `COPY` that is not from a stage."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", texts()["Dockerfile"], re.MULTILINE)
    return [source for line in lines for source in line.split()]


def test_everything_the_image_copies_exists_and_is_let_through() -> None:
    allowed = [line[1:] for line in texts()[".dockerignore"].splitlines() if line.startswith("!")]
    assert {"pyproject.toml", "requirements.lock", "sv"} <= set(copied())
    assert not [source for source in copied() if not (ROOT / source).exists()]
    assert not [source for source in copied() if not any(fnmatch(source.split("/")[0], pattern) for pattern in allowed)]


def test_both_stages_with_python_have_the_same_base_and_the_last_is_not_root() -> None:
    stages = re.split(r"^(?=FROM )", texts()["Dockerfile"], flags=re.MULTILINE)[1:]
    assert [stage.split()[1] for stage in stages] == ["${NODE}", "${BASE}", "${BASE}"]
    assert re.search(r"^USER 10001:10001$", stages[-1], re.MULTILINE)


def test_pages_publish_the_port_to_this_machine_alone() -> None:
    published = [
        each for name, text in texts().items() if name.endswith(".md") for each in re.findall(r"docker run .*?-p (\S+)", text)
    ]
    assert published
    assert {each.rpartition(":8000:8000")[0] for each in published} == {"127.0.0.1"}


def test_the_composed_service_has_one_volume_and_no_privileges() -> None:
    compose = cast("dict[str, Any]", yaml.safe_load(texts()["compose.yml"]))
    assert list(compose["services"]) == ["sv"]
    service = compose["services"]["sv"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["volumes"] == [f"{name}:/data" for name in compose["volumes"]]
