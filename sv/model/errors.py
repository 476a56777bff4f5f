"""Everything that can go wrong, as one tree.

    SvError
    ├── ClientFault            the caller can mend it; the message is for the caller
    │   ├── InvalidParameter   400  a query parameter, a cursor, a body that is not JSON
    │   │   ├── BadFile             a file of the command line's: read, written or understood it can't be
    │   │   └── Refused             `sv.remote`: what a running server says, where the question was fine
    │   ├── NotAuthenticated   401
    │   ├── NotAuthorized      403
    │   ├── NotFound           404
    │   ├── MethodNotAllowed   405
    │   ├── Conflict           409
    │   ├── PayloadTooLarge    413
    │   ├── UnsupportedMedia   415
    │   ├── ValidationFailed   422  JSON of the wrong shape; carries `details`
    │   └── RateLimited        429  never answered by ingest
    └── ServerFault            the details are for the log only
        ├── Unavailable        503  overloaded, shutting down, over a rate of ingest, or the disk refuses writes; nothing was stored
        ├── BadSettings             `sv.settings`: the server does not start
        ├── CountryDatabaseError    `sv.ingest.enrich`: nor does it with a database of addresses that is none
        └── FolderFault             `sv.meta.errors`: the data folder can't be used as it is

Each class names its HTTP status and its code on the wire (docs/api.md, "Errors"), so that `web` maps them in one place and
no other room knows about HTTP; likewise the exit code of a command that ends with it. Messages name the field and the value: "expected 1
to 1000, got 0 (limit)".
"""

import traceback
from typing import ClassVar

from msgspec import Struct


class Detail(Struct, frozen=True):
    """One field that was wrong. `field` is a path as in `steps[1].event`."""

    field: str
    message: str


class SvError(Exception):
    """The root. Never raised itself."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ClientFault(SvError):
    """Something that the caller can mend."""

    status = 400
    code = "INVALID_PARAMETER"


class InvalidParameter(ClientFault):
    """A query parameter, a cursor, or a body that is not JSON; of a command an argument."""

    exit_code = 2


class BadFile(InvalidParameter):
    """A file that was named rightly, as far as that can be told."""

    exit_code = 1


class NotAuthenticated(ClientFault):
    status = 401
    code = "NOT_AUTHENTICATED"


class NotAuthorized(ClientFault):
    status = 403
    code = "NOT_AUTHORIZED"


class NotFound(ClientFault):
    status = 404
    code = "NOT_FOUND"


class MethodNotAllowed(ClientFault):
    status = 405
    code = "METHOD_NOT_ALLOWED"


class Conflict(ClientFault):
    status = 409
    code = "CONFLICT"


class PayloadTooLarge(ClientFault):
    status = 413
    code = "PAYLOAD_TOO_LARGE"


class UnsupportedMedia(ClientFault):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class ValidationFailed(ClientFault):
    """Well-formed JSON of the wrong shape. `details` lists every field that was found wrong."""

    status = 422
    code = "VALIDATION_ERROR"
    exit_code = 2

    def __init__(self, message: str, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.details = details

    @classmethod
    def at(cls, field: str, message: str) -> "ValidationFailed":
        """One wrong field; the message is repeated with the field's name in front of it."""
        return cls(f"{field}: {message}", (Detail(field, message),))


class RateLimited(ClientFault):
    status = 429
    code = "RATE_LIMITED"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ServerFault(SvError):
    """Something that only the operator can mend; the log has the details."""


class Unavailable(ServerFault):
    """Overloaded, shutting down, or the disk refuses writes. Nothing was stored; try again after `retry_after_s`."""

    status = 503
    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DiskRefuses(Unavailable):
    """What the disk has to take first, it doesn't. What lies there already can be read."""


def let_go(error: BaseException) -> None:
    """Make the frames that the error came through hold nothing any more, while its traceback stays. For an error that is handed on to
    another thread.

    SCAR: a failed task and whoever waits for it hold each other, and with them whatever the query had in memory, until the garbage
    collector runs. Overviews of too many events, one after the other, took 50 MiB each, beyond any limit.
    """
    chain: list[BaseException | None] = [error]
    for link in chain:
        if link is not None:
            traceback.clear_frames(link.__traceback__)
            chain += [each for each in (link.__cause__, link.__context__) if each not in chain]
