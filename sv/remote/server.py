"""One request to a running server, and what its answer, or its silence, means. Retrying is up to the caller."""

import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from typing import Any, Final

import msgspec

from sv import __version__
from sv.model.errors import InvalidParameter
from sv.remote.addresses import check_address, check_token, make_opener

MAX_ANSWER_BYTES: Final = 16 << 20
MAX_PAGE_BYTES: Final = 128 << 20
"""A page of a thousand events of 64 KiB."""

_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
_ASKED_WRONGLY: Final = (400, 422)

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What older and newer releases of OpenSSL call an answer in plain HTTP."""


class Refused(InvalidParameter):
    """The server refuses, or something else answers in its place, although the question was well-formed."""

    exit_code = 1


class TryAgainError(Exception):
    """The next try may succeed. is_answer: whether somebody answered. retry_after_s: how long the answer asked to wait; 0.0 where it didn't
    say."""

    def __init__(self, reason: str, *, is_answer: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_answer = is_answer
        self.retry_after_s = retry_after_s


class RemoteServer:
    """url: its address, with or without a path before `/api`. agent: the User-Agent to send. role: what the server is asked for, as in
    "takes imports", for messages. Raises InvalidParameter for a bad address or API token."""

    def __init__(self, url: str, api_token: str, *, agent: str, role: str = "", timeout_s: float) -> None:
        check_address(url)
        check_token(api_token)
        self.url = url
        self._headers = {"Authorization": f"Bearer {api_token}", "User-Agent": f"{agent}/{__version__}"}
        self._role = role
        self._timeout_s = timeout_s
        self._opener = make_opener(url)

    def ask(
        self, method: str, path: str, body: bytes | None = None, encoding: str = "", most_bytes: int = MAX_ANSWER_BYTES
    ) -> dict[str, Any]:
        """The JSON object that a route answers. path: after `/api/v1`. body: JSON. encoding: that of the body, "" for none.

        Raises InvalidParameter with what the server refuses with (Refused, unless the question was wrong), TryAgainError.
        """
        with self.open(method, path, body, encoding) as response:
            try:
                answer = json_object(response.read(most_bytes))
            except (OSError, http.client.HTTPException) as error:
                raise self._silence(error) from None
            if answer is None and is_cut_off(response):
                raise TryAgainError(self.broke_off(), is_answer=True)
        if answer is None:
            raise self.foreign()
        return answer

    def open(self, method: str, path: str, body: bytes | None = None, encoding: str = "") -> "closing[Any]":
        """As `ask`, but returns the answer as a stream. Reading it raises OSError and HTTPException."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if encoding:
            headers["Content-Encoding"] = encoding
        address = f"{self.url.rstrip('/')}/api/v1{path}"
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - http(s) alone
        try:
            return closing(self._opener.open(request, timeout=self._timeout_s))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._silence(error) from None

    def broke_off(self) -> str:
        """What to say of an answer that ended early."""
        return f"the answer of {self.url} broke off"

    def foreign(self) -> Refused:
        """The error for an answer that doesn't come from such a server."""
        role = f" that {self._role}" if self._role else ""
        return Refused(f"{self.url} does not answer as a Session Vision server{role} (--url or SV_URL)")

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        """What an answer other than 200 means."""
        content = json_object(_read(error)) or {}
        said = content.get("error") if isinstance(content.get("error"), str) else None
        message = f"{self.url} answered {error.code}: {said or error.reason}"
        if error.code in _AGAIN:
            after = error.headers.get("retry-after", "")
            return TryAgainError(
                message, is_answer=True, retry_after_s=float(after) if after.isascii() and after.isdigit() else 0.0
            )
        if said is not None and error.code == 401:
            return Refused(f"{message}; `sv token create` makes an API token (--api-token or SV_API_TOKEN)")
        if 300 <= error.code < 400:
            return Refused(f"{message}; the address is {error.headers.get('location', 'another one')} (--url or SV_URL)")
        if said is None and error.code == 413:
            return Refused(f"{message}: what stands before the server refuses large bodies; it must let 64 MiB through")
        if said is None:
            return self.foreign()
        refusal = InvalidParameter if error.code in _ASKED_WRONGLY else Refused
        return refusal(_with_fields(message, content.get("details")))

    def _silence(self, error: OSError | http.client.HTTPException) -> Exception:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return Refused(f"{self.url}: {reason.verify_message} (--url or SV_URL)")
        if isinstance(reason, ssl.SSLError) and reason.reason in _NO_TLS:
            plain = urllib.parse.urlsplit(self.url)._replace(scheme="http").geturl()
            return Refused(f"{self.url}: what answers there speaks no TLS; is it {plain}? (--url or SV_URL)")
        return TryAgainError(f"no answer from {self.url}: {reason or type(error).__name__}")


def is_cut_off(answer: Any) -> bool:
    """Whether an answer that was read to its end has less than it announced.

    SCAR: who reads up to a number of bytes isn't told, and half an export was taken for all of it.
    """
    return bool(answer.length)


def json_object(data: bytes) -> dict[str, Any] | None:
    """None for what isn't one."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _with_fields(message: str, details: object) -> str:
    """The wrong fields each on a line, where there are several: one alone is in the message."""
    lines = [f"  {each.get('field')}: {each.get('message')}" for each in details] if isinstance(details, list) else []
    return "\n".join([message, *lines]) if len(lines) > 1 else message
