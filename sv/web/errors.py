"""The one map from an error to an answer: status, headers and a body in the contract's shape."""

import logging
from typing import Any, Final

import msgspec

from sv.model.errors import ClientFault, RateLimited, SvError, Unavailable, ValidationFailed

log = logging.getLogger(__name__)

JSON: Final = "application/json"
_encoder: Final = msgspec.json.Encoder()


def error_answer(error: BaseException) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, JSON body) of an error. What is no SvError is logged with its trace and answered without it."""
    headers: dict[str, str] = {}
    if not isinstance(error, SvError):
        log.error("a fault of ours while answering", exc_info=error)
        return 500, headers, error_body("something went wrong on the server; its log has the details", "INTERNAL_ERROR")
    if isinstance(error, Unavailable | RateLimited):
        headers["retry-after"] = str(error.retry_after_s)
    if not isinstance(error, ClientFault):
        log.warning("answered %d: %s", error.status, error.message)
    details = error.details if isinstance(error, ValidationFailed) else None
    return error.status, headers, error_body(error.message, error.code, details)


def error_body(message: str, code: str, details: Any = None) -> bytes:
    """The contract's error object; `details` is left out where there are none."""
    content = {"error": message, "code": code}
    if details:
        content["details"] = details
    return _encoder.encode(content)
