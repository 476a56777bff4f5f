"""API tokens: known by hash alone, good until they expire or are revoked, their use noted without I/O."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from meta_rig import MINUTE, NOW, Faults, faulty_disk, make_project

from sv.auth.passwords import hash_password
from sv.auth.tokens import make_api_token
from sv.meta.api_tokens import MAX_TOUCHED, ApiToken, ApiTokens
from sv.meta.db import Meta
from sv.meta.users import Users
from sv.model.access import Scope
from sv.model.errors import Conflict, NotFound, Unavailable, ValidationFailed

ALL = frozenset(Scope)
WAIT_S = 60


@pytest.fixture
def tokens(meta: Meta) -> ApiTokens:
    return ApiTokens(meta)


@pytest.fixture
def disk() -> Iterator[Faults]:
    with faulty_disk() as faults:
        yield faults


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def make(
    tokens: ApiTokens,
    secret: str = "sv_secret",
    *,
    name: str = "CI",
    scopes: frozenset[Scope] = ALL,
    project_id: str | None = None,
    now_ms: int = NOW,
    expires_ms: int | None = None,
) -> ApiToken:
    return tokens.create(
        name,
        secret_hash=digest(secret),
        prefix=secret[:7],
        scopes=scopes,
        project_id=project_id,
        now_ms=now_ms,
        expires_ms=expires_ms,
    )


def test_a_token_is_found_by_its_hash(meta: Meta, tokens: ApiTokens) -> None:
    make_project(meta, "shop")
    made = make(tokens, scopes=frozenset({Scope.WRITE, Scope.READ}), project_id="shop")
    assert tokens.find_live(digest("sv_secret"), NOW) == made == tokens.get(made.id)
    assert (made.name, made.prefix, made.project_id) == ("CI", "sv_secr", "shop")
    assert made.scopes == {Scope.READ, Scope.WRITE}
    assert (made.created_ms, made.expires_ms, made.revoked_ms, made.last_used_ms) == (NOW, None, None, None)
    assert tokens.find_live(digest("sv_other"), NOW) is None
    assert tokens.find_live(b"", NOW) is None


def test_an_expired_token_is_not_live_from_its_last_millisecond(tokens: ApiTokens) -> None:
    make(tokens, expires_ms=NOW + MINUTE)
    assert tokens.find_live(digest("sv_secret"), NOW + MINUTE - 1) is not None
    assert tokens.find_live(digest("sv_secret"), NOW + MINUTE) is None


def test_a_revoked_token_is_dead_at_once_and_stays_listed(tokens: ApiTokens) -> None:
    made = make(tokens)
    tokens.revoke(made.id, NOW + 1)
    tokens.revoke(made.id, NOW + 2)
    assert tokens.find_live(digest("sv_secret"), NOW) is None
    assert [each.revoked_ms for each in tokens.list_all()] == [NOW + 1]
    with pytest.raises(NotFound):
        tokens.revoke("unknown", NOW)


def test_what_cannot_be_a_token_is_refused(tokens: ApiTokens) -> None:
    make(tokens)
    with pytest.raises(Conflict):
        make(tokens)
    with pytest.raises(ValidationFailed, match="scopes"):
        make(tokens, "sv_b", scopes=frozenset())
    with pytest.raises(ValidationFailed, match="name"):
        make(tokens, "sv_b", name=" ")
    with pytest.raises(ValidationFailed, match="expires_at"):
        make(tokens, "sv_b", expires_ms=NOW)
    with pytest.raises(NotFound):
        make(tokens, "sv_b", project_id="unknown")
    assert len(tokens.list_all()) == 1


def test_tokens_are_listed_newest_first_and_by_project(meta: Meta, tokens: ApiTokens) -> None:
    make_project(meta, "shop")
    ids = [
        make(tokens, "sv_1").id,
        make(tokens, "sv_2", project_id="shop", now_ms=NOW + 1).id,
        make(tokens, "sv_3", now_ms=NOW + 2).id,
    ]
    assert [each.id for each in tokens.list_all()] == ids[::-1]
    assert [each.id for each in tokens.list_all("shop")] == [ids[1]]


def test_use_is_due_for_writing_once_a_minute_for_each_token(tokens: ApiTokens) -> None:
    a, b = make(tokens, "sv_a").id, make(tokens, "sv_b").id
    assert [tokens.touch(a, NOW + ms) for ms in (0, 1, MINUTE - 1)] == [True, False, False]
    assert tokens.touch(b, NOW + 1)
    tokens.write_touches()
    assert (tokens.get(a).last_used_ms, tokens.get(b).last_used_ms) == (NOW, NOW + 1)
    assert tokens.touch(a, NOW + MINUTE)
    assert tokens.get(a).last_used_ms == NOW
    tokens.write_touches()
    assert tokens.get(a).last_used_ms == NOW + MINUTE


def test_a_clock_that_jumps_back_neither_stops_the_notes_nor_turns_them_back(tokens: ApiTokens) -> None:
    token = make(tokens).id
    tokens.touch(token, NOW + 10 * MINUTE)
    tokens.write_touches()
    assert tokens.touch(token, NOW)
    tokens.write_touches()
    assert tokens.get(token).last_used_ms == NOW + 10 * MINUTE


def test_noting_use_does_no_io_and_what_cannot_be_written_is_kept(disk: Faults, path: Path) -> None:
    with Meta.open(path) as meta:
        tokens = ApiTokens(meta)
        made = make(tokens)
        disk.write.add("-wal")
        assert tokens.touch(made.id, NOW)
        with pytest.raises(Unavailable):
            tokens.write_touches()
        disk.write.clear()
        tokens.write_touches()
        assert tokens.get(made.id).last_used_ms == NOW


def test_noting_use_waits_for_no_writer_and_is_due_again_at_the_next_use(meta: Meta, tokens: ApiTokens) -> None:
    made = make(tokens)
    assert tokens.touch(made.id, NOW)
    with ThreadPoolExecutor(1) as pool, meta.transaction():
        pool.submit(tokens.write_touches).result(WAIT_S)
    assert tokens.get(made.id).last_used_ms is None
    assert tokens.touch(made.id, NOW + 1)
    tokens.write_touches()
    assert tokens.get(made.id).last_used_ms == NOW + 1


def test_noting_the_use_of_any_number_of_tokens_stays_bounded(tokens: ApiTokens) -> None:
    for n in range(MAX_TOUCHED + 10):
        tokens.touch(f"t{n}", NOW)
    assert not tokens.touch(f"t{MAX_TOUCHED}", NOW)
    assert tokens.touch("t0", NOW)


def test_no_secret_is_in_the_files_in_plain_text(path: Path) -> None:
    made = [make_api_token() for _ in range(20)]
    with Meta.open(path) as meta:
        tokens, users = ApiTokens(meta), Users(meta)
        for each in made:
            tokens.create("t", secret_hash=each.hash, prefix=each.prefix, scopes=ALL, project_id=None, now_ms=NOW)
        users.create("ann@example.com", password_hash=hash_password("correct horse"), now_ms=NOW)
        log = path.with_name("sv.db-wal").read_bytes()
        assert tokens.find_live(made[0].hash, NOW) is not None
    for data in (log, path.read_bytes()):
        assert made[0].hash in data
        assert not [each.secret for each in made if each.secret[8:].encode() in data]
        assert b"correct horse" not in data
