"""Projects and their public tokens."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from meta_rig import MINUTE, NOW, make_project

from sv.meta.api_tokens import ApiTokens
from sv.meta.db import Meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.model.access import Scope
from sv.model.errors import Conflict, NotFound, ValidationFailed


@pytest.fixture
def tokens(meta: Meta) -> ProjectTokens:
    return ProjectTokens(meta)


@pytest.fixture
def projects(meta: Meta, tokens: ProjectTokens) -> Projects:
    return Projects(meta, tokens)


def test_a_project_comes_back_as_it_was_made(projects: Projects) -> None:
    made = projects.create("  Ann's Shop 🦊 ", token="sv_pub_x", now_ms=NOW, timezone="Europe/Berlin")
    assert (made.name, made.timezone, bytes(made.settings), made.created_ms) == ("Ann's Shop 🦊", "Europe/Berlin", b"{}", NOW)
    assert len(made.id) == 12
    assert made.id.isalnum()
    assert projects.get(made.id) == made == projects.find(made.id)


def test_an_id_can_be_given_once_for_ever(projects: Projects) -> None:
    make_made = {"token": "sv_pub_x", "now_ms": NOW}
    assert projects.create("Dev", project_id="dev", token="sv_pub_dev", now_ms=NOW).id == "dev"
    projects.delete("dev", NOW)
    with pytest.raises(Conflict, match="dev"):
        projects.create("Dev", project_id="dev", **make_made)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "a\nb"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("timezone", {"timezone": "../../etc/passwd"}),
        ("timezone", {"timezone": ""}),
        ("id", {"project_id": ""}),
        ("id", {"project_id": "../x"}),
        ("id", {"project_id": "A"}),
        ("id", {"project_id": "x" * 65}),
        ("id", {"project_id": "-x"}),
        ("id", {"project_id": "x\n"}),
    ],
)
def test_what_cannot_be_a_project_is_refused_by_field(projects: Projects, field: str, values: dict[str, str]) -> None:
    given = {"name": "Shop", "token": "sv_pub_x"} | values
    with pytest.raises(ValidationFailed) as caught:
        projects.create(**given, now_ms=NOW)
    assert [detail.field for detail in caught.value.details] == [field]
    assert projects.list_all() == []


def test_a_project_and_its_token_are_made_together_or_not_at_all(projects: Projects) -> None:
    make_token = {"token": "sv_pub_x", "now_ms": NOW}
    projects.create("A", project_id="a", **make_token)
    with pytest.raises(Conflict, match="token"):
        projects.create("B", project_id="b", **make_token)
    assert projects.find("b") is None


def test_updates_change_what_is_given_and_nothing_else(projects: Projects) -> None:
    made = projects.create("A", token="sv_pub_x", now_ms=NOW)
    assert projects.update(made.id, name="B").timezone == "UTC"
    assert projects.update(made.id, timezone="Asia/Kathmandu").name == "B"
    changed = projects.update(made.id, settings=b'{"keep_ip": true, "n": 12345678901234567890}')
    assert (changed.name, changed.timezone) == ("B", "Asia/Kathmandu")
    assert bytes(changed.settings) == b'{"keep_ip": true, "n": 12345678901234567890}'
    assert projects.update(made.id) == changed


LONG = b'{"a": "' + b"x" * 70_000 + b'"}'


@pytest.mark.parametrize("settings", [b"", b"[]", b"{", b"null", b'{"a": "\xff"}', b"[" * 9999, LONG])
def test_settings_are_a_json_object_of_bounded_size(projects: Projects, settings: bytes) -> None:
    made = projects.create("A", token="sv_pub_x", now_ms=NOW)
    with pytest.raises(ValidationFailed, match="settings"):
        projects.update(made.id, settings=settings)
    assert projects.get(made.id) == made


def test_projects_are_listed_newest_first_without_the_deleted(projects: Projects) -> None:
    for n, name in enumerate("abc"):
        projects.create(name, project_id=name, token=f"sv_pub_{name}", now_ms=NOW + n)
    projects.delete("b", NOW + 9)
    assert [each.id for each in projects.list_all()] == ["c", "a"]


def test_a_deleted_project_is_gone_with_all_its_tokens(meta: Meta, projects: Projects, tokens: ProjectTokens) -> None:
    made = make_project(meta, "a", tokens=tokens)
    api_tokens = ApiTokens(meta)
    for project_id, fill in (("a", 1), (None, 2)):
        api_tokens.create(
            "t", secret_hash=bytes([fill]) * 32, prefix="sv_", scopes={Scope.READ}, project_id=project_id, now_ms=NOW
        )
    projects.delete(made.id, NOW)
    assert projects.find("a") is None
    assert tokens.resolve_project_token("sv_pub_a", NOW) is None
    assert tokens.all_project_tokens(NOW).projects == {}
    assert api_tokens.find_live(bytes([1]) * 32, NOW) is None
    assert api_tokens.find_live(bytes([2]) * 32, NOW) is not None
    for change in (lambda: projects.delete("a", NOW), lambda: projects.update("a", name="B"), lambda: projects.get("a")):
        with pytest.raises(NotFound):
            change()


# ---- Project tokens ----


def test_a_token_stands_for_its_project_alone(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a")
    make_project(meta, "b")
    assert tokens.resolve_project_token("sv_pub_b", NOW) == "b"
    assert tokens.resolve_project_token("SV_PUB_B", NOW) is None
    assert tokens.resolve_project_token("", NOW) is None
    assert tokens.resolve_project_token("\ud800", NOW) is None
    assert tokens.all_project_tokens(NOW).projects == {"sv_pub_a": "a", "sv_pub_b": "b"}


def test_rotating_without_overlap_ends_the_old_token_at_once(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a")
    tokens.rotate("a", "sv_pub_new", NOW)
    assert tokens.all_project_tokens(NOW).projects == {"sv_pub_new": "a"}


def test_rotating_with_overlap_keeps_both_until_it_is_over(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a")
    tokens.rotate("a", "sv_pub_new", NOW, overlap_ms=MINUTE)
    tokens.rotate("a", "sv_pub_newer", NOW, overlap_ms=2 * MINUTE)
    during = tokens.all_project_tokens(NOW + MINUTE - 1)
    assert during.projects == {"sv_pub_a": "a", "sv_pub_new": "a", "sv_pub_newer": "a"}
    assert tokens.all_project_tokens(NOW + MINUTE).projects == {"sv_pub_new": "a", "sv_pub_newer": "a"}
    assert tokens.resolve_project_token("sv_pub_a", NOW + MINUTE) is None
    assert [each.token for each in tokens.tokens_of("a")] == ["sv_pub_a", "sv_pub_new", "sv_pub_newer"]


def test_a_rotation_that_fails_leaves_the_old_token_good(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a")
    make_project(meta, "b")
    with pytest.raises(Conflict):
        tokens.rotate("a", "sv_pub_b", NOW)
    with pytest.raises(NotFound):
        tokens.rotate("unknown", "sv_pub_c", NOW)
    assert tokens.all_project_tokens(NOW).projects == {"sv_pub_a": "a", "sv_pub_b": "b"}


def test_a_revoked_token_is_dead(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a")
    tokens.revoke("sv_pub_a", NOW)
    tokens.revoke("sv_pub_a", NOW + 1)
    assert tokens.resolve_project_token("sv_pub_a", NOW) is None
    assert tokens.tokens_of("a")[0].revoked_ms == NOW
    with pytest.raises(NotFound):
        tokens.revoke("sv_pub_unknown", NOW)


def test_the_version_moves_with_every_change_of_good_tokens(meta: Meta, projects: Projects, tokens: ProjectTokens) -> None:
    seen = [tokens.version]
    make_project(meta, "a", tokens=tokens)
    seen.append(tokens.version)
    tokens.rotate("a", "sv_pub_new", NOW)
    seen.append(tokens.version)
    tokens.revoke("sv_pub_new", NOW)
    seen.append(tokens.version)
    projects.delete("a", NOW)
    seen.append(tokens.version)
    assert len(set(seen)) == len(seen)
    assert tokens.all_project_tokens(NOW).version == seen[-1]


def test_a_cache_that_follows_the_version_never_keeps_what_has_changed(meta: Meta, tokens: ProjectTokens) -> None:
    make_project(meta, "a", tokens=tokens)

    def rotate(n: int) -> None:
        tokens.rotate("a", f"sv_pub_{n}", NOW)

    with ThreadPoolExecutor(4) as pool:
        rotations = [pool.submit(rotate, n) for n in range(40)]
        snapshot = tokens.all_project_tokens(NOW)
        while not all(each.done() for each in rotations):
            if snapshot.version != tokens.version:
                snapshot = tokens.all_project_tokens(NOW)
    if snapshot.version != tokens.version:
        snapshot = tokens.all_project_tokens(NOW)
    assert snapshot.projects == tokens.all_project_tokens(NOW).projects


def test_settings_go_to_the_wire_as_they_are(projects: Projects) -> None:
    import msgspec

    made = projects.create("A", project_id="a", token="sv_pub_x", now_ms=NOW)
    assert json.loads(msgspec.json.encode(made))["settings"] == {}
