"""How a line of the log is written: as text, or as JSON for log collectors. Traces come without what was quoted in their messages."""

import json
import logging
from types import TracebackType

from sv.model.redaction import redacted_trace

_Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def formatException(self, ei: _Caught) -> str:  # noqa: N802 - the library's name
        return "" if ei[1] is None else redacted_trace(ei[1])


class JsonLines(TextLines):
    """A line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
