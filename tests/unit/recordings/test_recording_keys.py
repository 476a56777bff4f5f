"""Keys of chunks: no session's id leads out of its folder, and no two ids share one."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.objects.port import checked_key
from sv.recordings.keys import ChunkKey, chunk_key, parse_key, session_folder

ids = (
    st.text(min_size=1, max_size=200)
    | st.text("abAB01-_./%\\ \0", min_size=1, max_size=8)
    | st.text("ab", min_size=95, max_size=110)
)
few = settings(max_examples=300, deadline=None)


@few
@given(ids, st.integers(0, 100_000))
def test_a_key_is_plain_and_can_be_taken_apart_again(session_id: str, index: int) -> None:
    folder = session_folder(session_id)
    key = chunk_key("dev", folder, index)
    assert checked_key(key) == key
    assert re.fullmatch(r"recordings/dev/[a-z0-9_][a-z0-9-]*/chunk_\d{6}\.json", key)
    assert parse_key(key) == ChunkKey("dev", folder, index)


@few
@given(ids, ids)
def test_two_sessions_have_two_folders_also_where_case_is_folded(one: str, other: str) -> None:
    assert (session_folder(one).casefold() == session_folder(other).casefold()) == (one == other)


def test_a_session_that_is_named_like_anothers_folder_has_one_of_its_own() -> None:
    folder = session_folder("A session")
    assert session_folder(folder) != folder
    assert session_folder("a-plain-one") == "a-plain-one"


@pytest.mark.parametrize(
    "key",
    [
        "recordings/dev/s-1/chunk_1.json",
        "recordings/dev/s-1/chunk_000001.html",
        "recordings/dev/chunk_000001.json",
        "other/dev/s-1/chunk_000001.json",
        "recordings/dev/../chunk_000001.json",
        "recordings/dev/s-1/chunk_000001.json\n",
        "",
    ],
)
def test_what_is_no_chunks_key_is_known_as_none(key: str) -> None:
    assert parse_key(key) is None
