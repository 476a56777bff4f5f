"""Passwords: verified exactly, bounded, and as slow for accounts that don't exist."""

import re
from collections.abc import Iterator
from itertools import cycle

import argon2
import pytest

from sv.auth import passwords
from sv.auth.passwords import (
    MAX_PASSWORD_CHARS,
    check_password,
    hash_password,
    make_password,
    needs_rehash,
    verify_password,
)
from sv.model.errors import ValidationFailed


@pytest.mark.parametrize("password", ["correct horse", "dev", "", "pässwörd 🦊", "a\0b", "\ud800", "x" * MAX_PASSWORD_CHARS])
def test_a_password_verifies_and_nothing_else_does(password: str) -> None:
    kept = hash_password(password)
    assert kept.startswith("$argon2id$")
    assert verify_password(kept, password)
    assert not verify_password(kept, password + "x")
    assert not verify_password(kept, password.upper() + " ")


def test_each_hash_has_its_own_salt() -> None:
    assert hash_password("same") != hash_password("same")


def test_composed_and_decomposed_letters_are_one() -> None:
    assert verify_password(hash_password("caf\u00e9 au lait"), "cafe\u0301 au lait")


@pytest.mark.parametrize("kept", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_no_account_or_a_broken_hash_is_no_password(kept: str | None) -> None:
    assert not verify_password(kept, "correct horse")
    assert not verify_password(kept, "")


def test_a_guess_costs_one_hash_whether_the_account_exists_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = hash_password("correct horse")
    verify_password(None, "warm up")
    costs: list[tuple[int, int, int]] = []
    verify = argon2.PasswordHasher.verify

    def count(hasher: argon2.PasswordHasher, kept: str, password: bytes) -> bool:
        found = argon2.extract_parameters(kept)
        costs.append((found.time_cost, found.memory_cost, found.parallelism))
        return verify(hasher, kept, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", count)
    for account in (kept, None, ""):
        for guess in ("correct horse", "wrong", "x" * 10_000):
            verify_password(account, guess)
    assert costs == [(2, 19 * 1024, 1)] * 9


def test_an_overlong_guess_is_wrong_even_where_its_start_is_right() -> None:
    kept = hash_password("x" * MAX_PASSWORD_CHARS)
    assert not verify_password(kept, "x" * (MAX_PASSWORD_CHARS + 1))
    with pytest.raises(ValueError, match="1024"):
        hash_password("x" * (MAX_PASSWORD_CHARS + 1))


@pytest.mark.parametrize("password", ["", "short12", "x" * (MAX_PASSWORD_CHARS + 1)])
def test_a_chosen_password_is_bounded_and_never_repeated_in_the_message(password: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_password(password)
    assert caught.value.details[0].field == "password"
    assert not password or password not in caught.value.message


def test_a_chosen_password_of_eight_characters_will_do() -> None:
    check_password("12345678")


def test_made_passwords_can_be_read_out_and_chosen() -> None:
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert re.fullmatch(r"[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}", password)
        check_password(password)


def test_chance_comes_in_as_an_argument() -> None:
    letters: Iterator[str] = cycle("abcd")
    assert make_password(lambda _: next(letters)) == "abcd-abcd-abcd-abcd"


def test_hashes_with_other_parameters_are_to_be_made_anew() -> None:
    assert not needs_rehash(hash_password("correct horse"))
    assert needs_rehash(argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("correct horse"))
    assert needs_rehash("not a hash")


def test_importing_the_module_loads_no_argon2() -> None:
    assert not [name for name in vars(passwords) if "argon2" in name.lower()]
