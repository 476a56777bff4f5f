"""URLs of the server's own that let whoever holds one PUT or GET one object.

    /api/v1/objects/<key>?expires=<Unix seconds>&size=<bytes>&type=<media type>&sig=<64 hexadecimal digits>      to PUT
    /api/v1/objects/<key>?expires=<Unix seconds>&type=<media type>&sig=<64 hexadecimal digits>                    to GET

Answers for one spelling of each: a URL is taken apart by one expression over its raw bytes, and everything in it is signed, so that none
can be changed, added, doubled or put in another order. The signature is HMAC-SHA256 over method, key, expiry, size and type, each on a
line of its own, which no key or type can contain.
"""

import hmac
import re
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from sv.model.errors import NotAuthorized
from sv.objects.port import URL_LIFETIME_MS, checked_key

OBJECTS: Final = "/api/v1/objects/"
SECRET_BYTES: Final = 32
Method = Literal["GET", "PUT"]

_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", re.ASCII)
_URL: Final = re.compile(
    rb"/api/v1/objects/(?P<key>[a-z0-9_./-]{1,1100})\?expires=(?P<expires>[1-9][0-9]{0,11})(?:&size=(?P<size>[1-9][0-9]{0,11}))?"
    rb"&type=(?P<type>[a-z0-9.+-]{1,60}%2F[a-z0-9.+-]{1,60})&sig=(?P<sig>[0-9a-f]{64})"
)
_NOT_OURS: Final = "expected a URL as this server signed it for this method; a byte of it differs (sig)"


class Grant(Struct, frozen=True):
    """What a URL lets its holder do. size: of an upload, exactly; None for a download."""

    key: str
    size: int | None
    content_type: str
    expires_ms: int


class UrlSigner:
    """secret: SECRET_BYTES random bytes, the same as long as URLs are out."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"expected {SECRET_BYTES} bytes, got {len(secret)} (secret)")
        self._secret = secret

    def sign(self, method: Method, key: str, size: int | None, content_type: str, now_ms: int) -> tuple[str, int]:
        """(path and query, when it expires in Unix milliseconds). `size` goes with PUT. Raises ValueError for what can't be signed."""
        if _TYPE.fullmatch(content_type) is None or (size is None) != (method == "GET"):
            raise ValueError(f"expected a media type, and a size to PUT, got {content_type!r}, {size}")
        expires_s = (now_ms + URL_LIFETIME_MS) // 1000
        signature = self._signature(method, checked_key(key), expires_s, size, content_type)
        sized = "" if size is None else f"&size={size}"
        return f"{OBJECTS}{key}?expires={expires_s}{sized}&type={quote(content_type, safe='+')}&sig={signature}", expires_s * 1000

    def check(self, method: Method, path: bytes, query: bytes, now_ms: int) -> Grant:
        """What the URL grants, as its raw bytes came in. Raises NotAuthorized where it was never signed so, or is over."""
        found = _URL.fullmatch(path + b"?" + query)
        if found is None or (found["size"] is None) != (method == "GET"):
            raise NotAuthorized(_NOT_OURS)
        key = found["key"].decode()
        content_type = found["type"].decode().replace("%2F", "/")
        expires_s = int(found["expires"])
        size = None if found["size"] is None else int(found["size"])
        signature = self._signature(method, key, expires_s, size, content_type)
        if not hmac.compare_digest(signature.encode(), found["sig"]):
            raise NotAuthorized(_NOT_OURS)
        if now_ms >= expires_s * 1000:
            raise NotAuthorized("the URL has expired; ask for a new one (expires)")
        return Grant(checked_key(key), size, content_type, expires_s * 1000)

    def _signature(self, method: Method, key: str, expires_s: int, size: int | None, content_type: str) -> str:
        text = f"{method}\n{key}\n{expires_s}\n{'' if size is None else size}\n{content_type}"
        return hmac.new(self._secret, text.encode(), "sha256").hexdigest()
