"""Tokens have the shape that clients expect, and a hash that is all there is to keep."""

import hashlib
import re
from collections.abc import Iterator

from sv.auth.tokens import describe_api_token, hash_api_token, make_api_token, make_project_token


def test_project_tokens_have_their_shape_and_differ() -> None:
    made = {make_project_token() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"sv_pub_[A-Za-z0-9_-]{32}", token) for token in made)


def test_api_tokens_have_their_shape_and_differ() -> None:
    made = {make_api_token() for _ in range(200)}
    assert len({each.secret for each in made}) == 200
    assert all(re.fullmatch(r"sv_[A-Za-z0-9_-]{40}", each.secret) for each in made)
    assert all(each.hash == hash_api_token(each.secret) and each.prefix == each.secret[:7] for each in made)


def test_an_api_token_never_looks_like_a_project_token() -> None:
    texts: Iterator[str] = iter(["pub_" + "x" * 36, "a" * 40])
    assert make_api_token(lambda _: next(texts)).secret == "sv_" + "a" * 40


def test_the_hash_is_sha256_of_the_text() -> None:
    assert hash_api_token("sv_dev") == hashlib.sha256(b"sv_dev").digest()


def test_any_text_has_a_hash() -> None:
    texts = ["", "\0", "é", "\ud800", "\udcff", "x" * 100_000]
    assert len({hash_api_token(text) for text in texts}) == len(texts)


def test_a_given_secret_shorter_than_its_prefix_is_shown_whole() -> None:
    assert describe_api_token("sv_dev") == ("sv_dev", hash_api_token("sv_dev"), "sv_dev")
