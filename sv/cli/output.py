"""Standard output in an encoding that lacks some of what commands print: what it lacks is shown otherwise, and stops nothing."""

import codecs
import json
import sys
from io import TextIOWrapper

_AS_JSON = "sv.as_json"


def bear_any_text(*, is_json: bool) -> None:
    """Where standard output isn't in UTF-8, have what its encoding lacks replaced by `?`. is_json: by JSON's escapes instead, since what
    programs read is to stay what it was."""
    out = sys.stdout
    if not isinstance(out, TextIOWrapper) or codecs.lookup(out.encoding).name == "utf-8":
        return
    codecs.register_error(_AS_JSON, _escape)
    out.reconfigure(errors=_AS_JSON if is_json else "replace")


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
