"""Presigned URLs of S3: Signature Version 4 in the query, with headers signed as well.

Source: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" of Amazon's S3 API reference, whose example the tests
repeat. Written here since the libraries' own signers sign the host alone: a URL of theirs takes a body of any size and type.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from msgspec import Struct

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Credentials(Struct, frozen=True):
    """Long-lived ones. region: the bucket's."""

    access_key: str
    secret_key: str
    region: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def presign(
    method: str,
    origin: str,
    path: str,
    *,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    credentials: Credentials,
    expires_s: int,
    now_ms: int,
) -> str:
    """The URL `origin + path` with a signature in its query.

    origin: `https://host` or `https://host:port`. path: unquoted, with its slash. headers: which the request must carry with just these
    values, besides Host, by name in small letters. The body is not signed.
    """
    moment = datetime.fromtimestamp(now_ms // 1000, UTC)
    day, stamp = moment.strftime("%Y%m%d"), moment.strftime("%Y%m%dT%H%M%SZ")
    place = f"{day}/{credentials.region}/s3/aws4_request"
    signed = {**headers, "host": _host(origin)}
    names = ";".join(sorted(signed))
    asked = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{place}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": names,
    }
    canonical_query = "&".join(sorted(f"{_quoted(name)}={_quoted(value)}" for name, value in asked.items()))
    canonical_path = quote(path, safe="/-_.~")
    canonical_headers = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = "\n".join([method, canonical_path, canonical_query, canonical_headers, names, "UNSIGNED-PAYLOAD"])
    to_sign = "\n".join([ALGORITHM, stamp, place, hashlib.sha256(request.encode()).hexdigest()])
    signature = hmac.new(signing_key(credentials, day, "s3"), to_sign.encode(), "sha256").hexdigest()
    return f"{origin}{canonical_path}?{canonical_query}&X-Amz-Signature={signature}"


def signing_key(credentials: Credentials, day: str, service: str) -> bytes:
    """The key for one day (YYYYMMDD), region and service."""
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (day, credentials.region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key


def _host(origin: str) -> str:
    """As clients send it: without the port that its scheme implies."""
    scheme, _, host = origin.partition("://")
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
