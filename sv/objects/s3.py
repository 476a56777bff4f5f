"""Objects in a bucket of S3, Amazon's or another's. The bytes of uploads and downloads never pass through this server.

obstore speaks to the bucket (stat, list, delete); it is imported when first needed, since most servers keep recordings in a folder. The
URLs are signed here (`sigv4`). Answers for refusals of the far end being Unavailable, with the reason in the log.
"""

import logging
import re
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from sv.model.errors import NotFound, Unavailable
from sv.model.redaction import redacted
from sv.objects.port import URL_LIFETIME_MS, SignedUpload, Undeleted, checked_key
from sv.objects.sigv4 import Credentials, presign

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 10
"""For one request. Uploads don't come by here: these are look-ups and deletions."""

RETRIES: Final = 2
DELETE_BATCH: Final = 1000
"""Keys in one request to delete; S3's own bound."""

_KEPT: Final = "DeleteObjects request failed for key"
"""What obstore says where a store answers a request to delete, and says of an object that it stays."""

_REASONS: Final = re.compile(
    r"status code: ([1-5]\d\d [A-Za-z ]+)|<Code>(\w{1,60})</Code>|\(code: (\w{1,60})\)|kind: (Connect|Timeout)\b"
    r"|\b(dns error|Received redirect [A-Za-z, ]+)|HTTP error: ([a-z ]{1,60})|message: \"([A-Za-z ]{1,60})\"|error: (\w{1,40}\(\w{1,40}\))"
)
"""What a store's error says of why, in words of which none is a key's: keys name sessions."""


class Bucket(Struct, frozen=True):
    """Where a bucket is. endpoint: None for Amazon's own. is_path_style: whether the bucket's name is in the path rather than in the
    host."""

    name: str
    credentials: Credentials
    endpoint: str | None
    is_path_style: bool

    def base(self) -> tuple[str, str]:
        """(origin, path) above its objects; the path has no slash at its end."""
        endpoint = self.endpoint or f"https://s3.{self.credentials.region}.amazonaws.com"
        scheme, _, rest = endpoint.partition("://")
        host, slash, path = rest.partition("/")
        if self.is_path_style:
            return f"{scheme}://{host}", f"{slash}{path}/{self.name}"
        return f"{scheme}://{self.name}.{host}", f"{slash}{path}"


class S3Store:
    """An `ObjectStore`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._lock = threading.Lock()
        self._opened: Any = None

    def put(self, key: str, data: bytes, content_type: str) -> None:
        with _refusals():
            self._store().put(checked_key(key), data, attributes={"Content-Type": content_type})

    def get(self, key: str) -> bytes:
        with _refusals():
            try:
                return bytes(self._store().get(checked_key(key)).bytes())
            except FileNotFoundError:
                raise NotFound(f"no object {key!r} (key)") from None

    def stat(self, key: str) -> int | None:
        with _refusals():
            try:
                return int(self._store().head(checked_key(key))["size"])
            except FileNotFoundError:
                # SCAR: a bucket that is gone has the same answer, which took what was in it for never uploaded. A listing says which.
                return self.list(key.rpartition("/")[0]).get(key)

    def list(self, folder: str) -> dict[str, int]:
        with _refusals():
            pages = self._store().list(checked_key(folder))
            return {str(found["path"]): int(found["size"]) for page in pages for found in page}

    def delete(self, keys: Iterable[str]) -> None:
        wanted = [checked_key(key) for key in keys]
        kept: dict[str, str] = {}
        with _refusals():
            for first in range(0, len(wanted), DELETE_BATCH):
                batch = wanted[first : first + DELETE_BATCH]
                try:
                    self._store().delete(batch)
                except FileNotFoundError as error:  # some stores say so of one that is not there, and may have stopped at it
                    if "NoSuchBucket" in str(error):  # SCAR: with a wrong name in the settings all counted as deleted
                        raise
                    kept |= self._delete_each(batch)
                except Exception as error:
                    if _KEPT not in str(error):
                        raise
                    kept |= self._delete_each(batch)  # the error names the first one alone
        if kept:
            reasons = ", ".join(sorted(set(kept.values())))
            log.warning("the bucket of recordings keeps %d objects that are to be deleted: %s", len(kept), reasons)
            raise Undeleted(kept, reasons)

    def _delete_each(self, keys: Iterable[str]) -> dict[str, str]:
        """Those that the store keeps, each with its reason."""
        kept: dict[str, str] = {}
        for key in keys:
            try:
                self._store().delete(key)
            except FileNotFoundError:
                continue
            except Exception as error:
                if _KEPT not in str(error):
                    raise
                kept[key] = ", ".join(_reasons(str(error))) or "it was refused"
        return kept

    def presign_upload(self, key: str, size: int, content_type: str, *, origin: str, now_ms: int) -> SignedUpload:  # noqa: ARG002
        headers = {"content-length": str(size), "content-type": content_type}
        url = self._presign("PUT", key, {}, headers, now_ms)
        return SignedUpload(url, {"Content-Type": content_type}, now_ms // 1000 * 1000 + URL_LIFETIME_MS)

    def presign_download(self, key: str, content_type: str, *, origin: str, now_ms: int) -> str:  # noqa: ARG002
        # A chunk is anybody's JSON: fetched as a file and never shown as a page of the bucket's host.
        query = {"response-content-disposition": "attachment", "response-content-type": content_type}
        return self._presign("GET", key, query, {}, now_ms)

    def _presign(self, method: str, key: str, query: dict[str, str], headers: dict[str, str], now_ms: int) -> str:
        origin, path = self._bucket.base()
        return presign(
            method,
            origin,
            f"{path}/{checked_key(key)}",
            query=query,
            headers=headers,
            credentials=self._bucket.credentials,
            expires_s=URL_LIFETIME_MS // 1000,
            now_ms=now_ms,
        )

    def _store(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._bucket)
            return self._opened


def _open(bucket: Bucket) -> Any:
    from obstore.store import S3Store as Opened

    origin, path = bucket.base()
    endpoint = origin + (path.removesuffix(f"/{bucket.name}") if bucket.is_path_style else path)
    return Opened(
        bucket.name,
        config={
            "endpoint": endpoint,
            "region": bucket.credentials.region,
            "access_key_id": bucket.credentials.access_key,
            "secret_access_key": bucket.credentials.secret_key,
            "virtual_hosted_style_request": not bucket.is_path_style,
        },
        client_options={"timeout": timedelta(seconds=TIMEOUT_S), "allow_http": origin.startswith("http://")},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=3 * TIMEOUT_S)},
    )


@contextmanager
def _refusals() -> Generator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("the bucket of recordings refuses: %s", ", ".join(_reasons(str(error))) or redacted(error))
        raise Unavailable("the bucket of recordings can't be reached; the log says why", retry_after_s=30) from error


def _reasons(message: str) -> list[str]:
    found = ("".join(groups).strip() for groups in _REASONS.findall(message))
    return list(dict.fromkeys(found))
