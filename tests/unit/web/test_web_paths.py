"""Names in paths: whatever a name holds, it stays one segment and comes back as it was."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv.web.paths import keep_names_whole, name_of


def routed(raw_path: str) -> str:
    """The path that is routed, of one as it comes over the wire."""
    return str(keep_names_whole({"path": unquote(raw_path), "raw_path": raw_path.encode()})["path"])


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_every_name_is_one_segment_and_comes_back_as_it_was(name: str) -> None:
    before, segment, after = routed(f"/persons/{quote(name, safe='')}/events").rsplit("/", 2)
    assert (before, after) == ("/persons", "events")
    assert name_of(segment) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("plain", "plain"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("%2F%2F", "//"),
        ("..", ".."),
        ("=.", "."),
        ("=..", ".."),
        ("%3D..", "=.."),
        ("=...", "=..."),
        ("=..%20", "=.. "),
        ("%252F", "%2F"),
        ("100%", "100%"),
        ("%%34%31", "%41"),
        ("a+b", "a+b"),
        ("%F0%9F%A6%8A", "🦊"),
        ("%00", "\ufffd"),
        ("%FF", "\ufffd"),
    ],
)
def test_a_segment_means_this_name(raw: str, name: str) -> None:
    assert name_of(routed(f"/persons/{raw}").removeprefix("/persons/")) == name


def test_a_scope_without_escapes_is_left_as_it_is() -> None:
    scope = {"path": "/api/v1/projects/dev/events", "raw_path": b"/api/v1/projects/dev/events"}
    assert keep_names_whole(scope) is scope
