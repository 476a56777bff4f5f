"""Cursors: what comes back is what went out, and nothing else is taken."""

import base64
import json

import pytest

from sv.model import limits
from sv.model.cursor import Cursor, decode_cursor, decode_numbered_cursor, decode_topped_cursor, encode_cursor
from sv.model.errors import InvalidParameter

ID = "0194bcbf-0d00-7000-8000-0123456789ab"
GOOD = Cursor(1738324800123, ID)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


@pytest.mark.parametrize("ts", [0, 1, 1738324800123, limits.MAX_TIMESTAMP_MS])
def test_a_cursor_comes_back_as_it_went_out(ts: int) -> None:
    assert decode_cursor(encode_cursor(Cursor(ts, ID))) == Cursor(ts, ID)


def test_a_cursor_is_base64url_json_whose_first_key_is_ts() -> None:
    text = encode_cursor(GOOD)
    assert text.startswith("eyJ0cyI6")
    assert "=" not in text
    assert json.loads(base64.urlsafe_b64decode(text + "==")) == {"ts": 1738324800123, "id": ID}
    assert text == packed({"ts": 1738324800123, "id": ID})


@pytest.mark.parametrize("name", ["a", "ann@example.com", "🤡" * 200, "\x01" * 200, '"' * 200])
def test_ids_that_are_no_uuids_come_back_too(name: str) -> None:
    text = encode_cursor(Cursor(5, name))
    assert len(text) <= limits.MAX_CURSOR_CHARS
    assert decode_cursor(text, is_uuid=False) == Cursor(5, name)
    with pytest.raises(InvalidParameter):
        decode_cursor(text)


BAD: list[object] = [
    "",
    "=",
    "x",
    "....",
    "null",
    "eyJ0cyI6",
    encode_cursor(GOOD)[:-1],
    encode_cursor(GOOD) + "A",
    encode_cursor(GOOD) + "=",
    encode_cursor(GOOD) + "\n",
    " " + encode_cursor(GOOD),
    encode_cursor(GOOD).replace("e", "E", 1),
    base64.b64encode(b'{"ts":1,"id":"??>>"}').decode(),
    base64.urlsafe_b64encode(b'{"ts": 1738324800123, "id": "' + ID.encode() + b'"}').decode().rstrip("="),
    packed({"id": ID, "ts": 1738324800123}),
    packed({"ts": 1738324800123}),
    packed({"id": ID}),
    packed({"ts": 1738324800123, "id": ID, "x": 1}),
    packed({"ts": "1738324800123", "id": ID}),
    packed({"ts": 1738324800123.5, "id": ID}),
    packed({"ts": True, "id": ID}),
    packed({"ts": None, "id": ID}),
    packed({"ts": -1, "id": ID}),
    packed({"ts": limits.MAX_TIMESTAMP_MS + 1, "id": ID}),
    packed({"ts": 10**30, "id": ID}),
    packed({"ts": 1, "id": ""}),
    packed({"ts": 1, "id": ID.upper()}),
    packed({"ts": 1, "id": ID.replace("-", "")}),
    packed({"ts": 1, "id": "{" + ID + "}"}),
    packed({"ts": 1, "id": "' or 1=1 --"}),
    packed({"ts": 1, "id": 7}),
    packed([1738324800123, ID]),
    packed(1),
    packed(None),
    packed("__import__('os').system('id')"),
    base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
    base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("="),
    base64.urlsafe_b64encode(b"cos\nsystem\n(S'id'\ntR.").decode(),
    "A" * 100_000,
    "é" * 20,
    "\x00",
    "\ud800",
    None,
    7,
    [],
]


@pytest.mark.parametrize("text", BAD, ids=lambda v: repr(v)[:40])
def test_every_other_text_is_refused_by_the_parameters_name(text: object) -> None:
    with pytest.raises(InvalidParameter, match=r"^cursor: expected the next_cursor of a page before, got ") as caught:
        decode_cursor(text)
    caught.value.message.encode()
    assert len(caught.value.message) < 250


def test_no_byte_of_a_cursor_can_be_changed_into_another_place_of_the_same_shape() -> None:
    text = encode_cursor(GOOD)
    read = 0
    for place in range(len(text)):
        for other in "AZaz09-_":
            changed = text[:place] + other + text[place + 1 :]
            try:
                found = decode_cursor(changed)
            except InvalidParameter:
                continue
            assert encode_cursor(found) == changed
            read += 1
    assert 0 < read < len(text) * 8


def test_an_id_that_is_too_long_is_refused_even_where_any_id_will_do() -> None:
    with pytest.raises(InvalidParameter, match=r"^after: "):
        decode_cursor(encode_cursor(Cursor(1, "a" * 201)), field="after", is_uuid=False)


def test_a_list_of_numbers_may_have_its_newest_one_in_the_cursor() -> None:
    assert decode_topped_cursor(encode_cursor(Cursor(5, "7"))) == (7, None)
    assert decode_topped_cursor(encode_cursor(Cursor(5, "7-12"))) == (7, 12)
    assert decode_numbered_cursor(encode_cursor(Cursor(5, "7"))) == 7


@pytest.mark.parametrize(
    "name", ["", "x", "0", "07", "-", "-7", "7-", "7-0", "7-x", "7-12-3", "7--12", str(2**62), f"7-{2**62}", "٧", "7-٧"]
)
def test_what_is_no_number_or_two_is_refused(name: str) -> None:
    text = packed({"ts": 5, "id": name})
    with pytest.raises(InvalidParameter):
        decode_topped_cursor(text)
    with pytest.raises(InvalidParameter):
        decode_numbered_cursor(text)
