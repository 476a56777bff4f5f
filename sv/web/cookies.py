"""The login session's cookie, and whose page a request that carries it comes from.

A browser sends the cookie along with whatever any site makes it send. So a request that changes something and shows nothing but the cookie
has to come from a page of this server's own: by its `Origin`, else its `Referer`, else what the browser says of it (`Sec-Fetch-Site`).
Where none of them is there, it is refused: every browser of these years sends one.

Only the host is compared. Behind a proxy that ends TLS the server sees `http` where the page is `https`, and the page's host is what
the proxy hands on as `Host`.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from sv.model.errors import NotAuthorized

COOKIE: Final = "sv_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_SECRET_CHARS: Final = 100
_IMPLIED_PORTS: Final = {"https": ":443", "http": ":80"}


def cookie_of(header: str | None) -> str | None:
    """The secret that a `Cookie` header brings, or None. Of several the first, which is that of the longest path. One far too long can't be
    ours, and is not hashed.

    SCAR: not by the framework, which takes every value's quotes apart. 250 KB of them, from anybody, stopped the event loop for a minute.
    """
    for pair in (header or "").split(";"):
        name, _, value = pair.partition("=")
        secret = value.strip().strip('"')
        if secret and name.strip() == COOKIE:
            return secret[:_MAX_SECRET_CHARS]
    return None


def set_cookie(secret: str, max_age_s: int, *, is_secure: bool, base_path: str = "") -> str:
    """The header that gives a browser the cookie: scripts can't read it, other sites' forms don't send it, and nothing
    that the host has beside the base path is sent it."""
    return f"{COOKIE}={secret}; Path={base_path or '/'}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"


def clear_cookie(*, is_secure: bool, base_path: str = "") -> str:
    """The header that takes it away."""
    return set_cookie("", 0, is_secure=is_secure, base_path=base_path)


def is_secure(scheme: str, headers: Mapping[str, str], public_url: str | None) -> bool:
    """Whether the browser speaks HTTPS: by the connection (or a trusted proxy's word for it), or by the address that it asked for."""
    if scheme == "https":
        return True
    if public_url is None or not public_url.startswith("https:"):
        return False
    return _plain_host(headers.get("host", "")) == _plain_host(urlsplit(public_url).netloc)


def _plain_host(host: str) -> str:
    """As it is compared: some proxies write the port also where it is that of HTTPS."""
    return host.lower().removesuffix(_IMPLIED_PORTS["https"])


def expect_own_page(headers: Mapping[str, str], public_url: str | None, *, is_required: bool = True) -> None:
    """Raise NotAuthorized for a request from another site's page; also for one that doesn't say, unless that is fine."""
    own = {headers.get("host", "").lower()}
    if public_url is not None:
        own.add(urlsplit(public_url).netloc.lower())
    for name in ("origin", "referer"):
        value = headers.get(name)
        if value is not None:
            if _is_at(value, own):
                return
            raise NotAuthorized(
                f"expected a request from a page of this server, got one from {value[:60]!r} ({name.capitalize()})"
            )
    site = headers.get("sec-fetch-site")
    if site == "same-origin" or (site is None and not is_required):
        return
    raise NotAuthorized("expected a request from a page of this server: Origin, Referer and Sec-Fetch-Site don't say so")


def _is_at(page: str, hosts: Collection[str]) -> bool:
    """Whether a page is of one of these hosts. Browsers leave out the port that its scheme implies; some proxies write it into `Host`.

    SCAR: behind nginx with `proxy_set_header Host $host:$server_port` nobody could log in.
    """
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    implied = _IMPLIED_PORTS.get(parts.scheme, "")
    host = parts.netloc.lower().removesuffix(implied)
    return bool(host) and any(host == each.removesuffix(implied) for each in hosts)
