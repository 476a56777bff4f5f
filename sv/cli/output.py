"""Standard output in an encoding that lacks some characters that commands print: these are replaced, and stop nothing.

UTF-8 lacks those of file names that aren't UTF-8, which are half surrogate pairs to Python.
"""

import codecs
import json
import re
import sys
from io import TextIOWrapper
from typing import Final

_AS_JSON: Final = "sv.as_json"
_CONTROLS: Final = re.compile(r"[\x7f-\x9f]")
"""Characters that JSON may hold as they are, and that act on a terminal."""


def as_json(value: object) -> str:
    """What `--json` prints: on one line, with nothing in it that acts on a terminal; texts come from whoever holds a public token."""
    return _CONTROLS.sub(lambda each: f"\\u{ord(each[0]):04x}", json.dumps(value, ensure_ascii=False))


def bear_any_text(*, is_json: bool) -> None:
    """Replace characters that standard output's encoding lacks by `?`. is_json: by JSON escapes instead, so that programs read the same
    text."""
    out = sys.stdout
    if not isinstance(out, TextIOWrapper):
        return
    codecs.register_error(_AS_JSON, _escape)
    out.reconfigure(errors=_AS_JSON if is_json else "replace")


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
