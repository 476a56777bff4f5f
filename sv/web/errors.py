"""The one map from an error to an answer: status, headers and a body in the contract's shape."""

import asyncio
import logging
import time
from typing import Any, Final

import msgspec

from sv.model.errors import ClientFault, RateLimited, SvError, Unavailable, ValidationFailed

log = logging.getLogger(__name__)

JSON: Final = "application/json"
LOG_EVERY_S: Final = 5.0

_encoder: Final = msgspec.json.Encoder()
_logged_s: Final[dict[str, float]] = {}  # by error code, of which there are a few


def error_answer(error: BaseException) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, JSON body) of an error. An error that is no SvError is logged with its trace, and answered without it. A request is
    only cancelled when the server ends and no longer waits for it."""
    if isinstance(error, asyncio.CancelledError):
        error = Unavailable("the server is shutting down", retry_after_s=2)
    headers: dict[str, str] = {}
    if not isinstance(error, SvError):
        log.error("a fault of ours while answering", exc_info=error)
        return 500, headers, error_body("something went wrong on the server; its log has the details", "INTERNAL_ERROR")
    if isinstance(error, Unavailable | RateLimited):
        headers["retry-after"] = str(error.retry_after_s)
    if not isinstance(error, ClientFault):
        _log_fault(error)
    details = error.details if isinstance(error, ValidationFailed) else None
    return error.status, headers, error_body(error.message, error.code, details)


def _log_fault(error: SvError) -> None:
    """One line for each kind of fault in a while: under overload it is answered thousands of times a second."""
    now_s = time.monotonic()
    if now_s - _logged_s.get(error.code, -LOG_EVERY_S) >= LOG_EVERY_S:
        _logged_s[error.code] = now_s
        log.warning("answered %d: %s", error.status, error.message)


def error_body(message: str, code: str, details: Any = None) -> bytes:
    """The contract's error object; `details` is left out where there are none."""
    content = {"error": message, "code": code}
    if details:
        content["details"] = details
    return _encoder.encode(content)
