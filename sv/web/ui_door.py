"""The ASGI door of the web app: its files, and its one page for whatever address a person opens.

    GET /                      the page
    GET /assets/<name>         a script, a style sheet or an icon; the name holds a hash of what is in it, so it is kept for ever
    GET /funnels, /a/b, …      the page too, for callers that take HTML: which view an address means is the app's own affair

Answers for every path that is not the API's. Who takes no HTML gets the API's error object, so that a mistyped route of the API is told so.
Files are read when first asked for, on a thread, and kept in memory from then on: a package doesn't change under a running server.
Never runs anything and knows nobody: what the app shows it asks of the API, with the cookie.

Without a build (a checkout where Node is missing) everything else works, and the page says what is missing and how to get it.
"""

import asyncio
import gzip
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.model.errors import MethodNotAllowed, NotFound, SvError
from sv.model.limits import MAX_UI_BYTES, MAX_UI_FILES
from sv.web.errors import error_answer
from sv.web.front import Opening, Receive, Scope, Send, respond

UI_FOLDER: Final = Path(__file__).parent / "ui"
INDEX: Final = "index.html"
_OTHERS: Final = ("api", "schema", "healthz", "metrics")
"""First segments of paths that are not the app's."""

CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Only files of this server's own are run, shown or asked. No `unsafe-inline`: whatever an event's text smuggled in would do nothing."""

_PAGE_HEADERS: Final = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-frame-options", b"DENY"),
)
_TYPES: Final = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".txt": b"text/plain; charset=utf-8",
}
_BASE: Final = b'<meta name="sv-base" content=""'
_PUBLIC: Final = b'<meta name="sv-public" content=""'
_FOR_EVER: Final = b"public, max-age=31536000, immutable"
_ASK_AGAIN: Final = b"no-cache"

_MISSING: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Session Vision</title>
<h1>The server runs. The web app is not in this checkout yet.</h1>
<p>It is built with Node.js 20.19 or newer and npm. With them on this machine, type
<p><code>./task ui</code>
<p>and load this page again. Packages have the app in them.
<p>Everything else works without it: the API describes itself at <a href="%(base)b/schema">%(base)b/schema</a>.
</html>
"""


class _File(Struct, frozen=True):
    """kind: the media type. zipped: the same in gzip, or None where that was not made."""

    body: bytes
    zipped: bytes | None
    kind: bytes
    etag: bytes
    is_hashed: bool


class UiDoor:
    """folder: what the build left. asks_too: another origin from which the app fetches recordings. base_path: the setting. The page tells
    it to the app; scripts and style sheets find each other by relative paths. public_url: the setting. The page tells it to the app, which
    shows it in snippets to be pasted elsewhere."""

    def __init__(
        self, folder: Path = UI_FOLDER, asks_too: str | None = None, base_path: str = "", public_url: str | None = None
    ) -> None:
        self._folder = folder
        self._base_path = base_path.encode()
        self._public_url = html.escape(public_url or "").encode()
        policy = CONTENT_SECURITY_POLICY
        if asks_too is not None:
            policy = policy.replace(b"connect-src 'self'", b"connect-src 'self' " + asks_too.encode("latin-1"))
        self._headers = [(b"content-security-policy", policy), *_PAGE_HEADERS]
        self._names: frozenset[str] = frozenset()
        self._files: dict[str, _File] = {}
        self._kept_bytes = 0

    openings: tuple[Opening, ...] = (
        Opening("/*", "none", "the web app's files, which are in every package; what they show they ask of the API"),
    )

    def takes(self, path: str) -> bool:
        return path.split("/", 2)[1] not in _OTHERS if path.startswith("/") else False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape; nothing that has a body is read
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            file = await self._file_for(scope["path"], scope["method"], headers.get(b"accept", b""))
        except SvError as error:
            await _refuse(send, error, scope["method"])
            return
        if file is None:
            await self._answer(
                send, 404, [(b"content-type", _TYPES[".html"])], _MISSING % {b"base": self._base_path}, scope["method"]
            )
            return
        is_zipped = file.zipped is not None and b"gzip" in headers.get(b"accept-encoding", b"")
        body = file.zipped if is_zipped and file.zipped is not None else file.body
        etag = b'"%b%b"' % (file.etag, b"-gz" if is_zipped else b"")
        answered = [
            (b"etag", etag),
            (b"cache-control", _FOR_EVER if file.is_hashed else _ASK_AGAIN),
            (b"vary", b"accept-encoding"),
        ]
        if etag in headers.get(b"if-none-match", b""):
            await self._answer(send, 304, answered, b"", "GET")
            return
        answered.append((b"content-type", file.kind))
        if is_zipped:
            answered.append((b"content-encoding", b"gzip"))
        await self._answer(send, 200, answered, body, scope["method"])

    async def _answer(self, send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, method: str) -> None:
        length = [] if status == 304 else [(b"content-length", b"%d" % len(body))]
        await respond(send, status, [*headers, *length, *self._headers], b"" if method == "HEAD" else body)

    async def _file_for(self, path: str, method: str, accept: bytes) -> _File | None:
        """The file that an address means; None where it is the page and there is no build. Raises NotFound, MethodNotAllowed."""
        if INDEX not in self._names:
            self._names = await asyncio.to_thread(_names_in, self._folder)
        name = path[1:]
        if name not in self._names:
            is_page = path == "/" or (b"text/html" in accept and method in ("GET", "HEAD") and not path.startswith("/assets/"))
            if not is_page:
                raise NotFound("no such route")
            name = INDEX
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"expected GET, got {method[:20]}")
        if name not in self._names:
            return None
        return self._files.get(name) or await self._read(name)

    async def _read(self, name: str) -> _File:
        try:
            file = await asyncio.to_thread(_read_file, self._folder, name, self._base_path, self._public_url)
        except FileNotFoundError:  # built anew under our feet: the names of the last build are gone
            self._names, self._files, self._kept_bytes = frozenset(), {}, 0
            raise NotFound("no such file of the web app any more; load the page again") from None
        size = len(file.body) + len(file.zipped or b"")
        if name not in self._files and self._kept_bytes + size <= MAX_UI_BYTES:
            self._files[name] = file
            self._kept_bytes += size
        return file


def _names_in(folder: Path) -> frozenset[str]:
    """The files of a build, by their paths within it: nothing else can be asked for, whatever a path says."""
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.suffix in _TYPES]
    return frozenset(found[:MAX_UI_FILES])


def _read_file(folder: Path, name: str, base_path: bytes, public_url: bytes) -> _File:
    path = folder / name
    body = path.read_bytes()
    if name == INDEX:
        body = body.replace(b'"./assets/', b'"%b/assets/' % base_path).replace(_BASE, _BASE[:-1] + base_path + b'"')
        body = body.replace(_PUBLIC, _PUBLIC[:-1] + public_url + b'"')
        zipped = gzip.compress(body, 9, mtime=0)
    else:
        packed = path.with_name(path.name + ".gz")
        zipped = packed.read_bytes() if packed.is_file() else None
    return _File(
        body=body,
        zipped=zipped,
        kind=_TYPES[path.suffix],
        etag=hashlib.sha256(body).hexdigest()[:32].encode(),
        is_hashed=name.startswith("assets/"),
    )


async def _refuse(send: Send, error: SvError, method: str) -> None:
    status, _, body = error_answer(error)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", b"GET, HEAD"))
    await respond(send, status, headers, b"" if method == "HEAD" else body)
