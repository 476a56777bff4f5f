"""The ASGI door of the frame in which the web app plays recordings.

    GET /replay-frame       an empty page: the app puts rrweb's player into it

A recording is whatever somebody sent, so the frame is where it can do no harm. The page allows no script, its own neither (the app reaches
in from outside), and no request to anybody: its Content-Security-Policy holds for the page played in it too, which inherits it. Styles have
to be allowed, since a page's look is what a recording shows; pictures, fonts and sounds are those that the recording itself has in it. The
`sandbox` holds whoever opens the address by itself.
"""

from typing import Final

from sv.model.errors import MethodNotAllowed
from sv.web.errors import error_answer
from sv.web.front import Opening, Receive, Scope, Send, respond

REPLAY_FRAME: Final = "/replay-frame"

CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
)

_PAGE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A recording</title>
<style>
html, body { height: 100%; margin: 0; overflow: hidden; background: transparent; }
iframe { border: 0; background: #fff; }
</style>
<body></body>
</html>
"""
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"public, max-age=3600"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-dns-prefetch-control", b"off"),
    (b"x-frame-options", b"SAMEORIGIN"),
)


class ReplayDoor:
    """Holds nothing."""

    openings: tuple[Opening, ...] = (Opening(REPLAY_FRAME, "none", "an empty page, the same for all"),)

    def takes(self, path: str) -> bool:
        return path == REPLAY_FRAME

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape; no body is read
        method = scope["method"]
        if method in ("GET", "HEAD"):
            headers = [*_HEADERS, (b"content-length", b"%d" % len(_PAGE))]
            await respond(send, 200, headers, _PAGE if method == "GET" else b"")
            return
        status, _, body = error_answer(MethodNotAllowed(f"expected GET, got {method[:20]}"))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"allow", b"GET, HEAD")]
        await respond(send, status, headers, body)
