"""What a URL tells about a visit: the page's path, the domain that referred to it, the campaign behind it.

Plain functions, slow and obvious: they are the definition, and the SQL that does the same to many events at
once is tested against them. A URL is read as it was sent: scheme, authority, path, query and fragment are
told apart by their marks (RFC 3986, appendix B), nothing is normalised, resolved or stripped of blanks.
Assumes nothing, never raises: what isn't a URL has no path and no domain.
"""

import re
from typing import Final
from urllib.parse import unquote_plus

UTM_NAMES: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

# Scheme and authority; after them come path, query and fragment.
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")

# A name or IPv4 address, or an IPv6 address in brackets, then perhaps a port. The URL standard's forbidden
# characters are in no host, others may be: names aren't always sent in their ASCII form.
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?")


def path_of(url: str) -> str | None:
    """The path, without query, fragment and one slash at its end; '' for a site's root.

    A value that starts with "/" is itself taken as a path. None for what has no such path: a text without
    "://", as "about:blank", "mailto:a@b" or "pricing". Two URLs are of the same page if their paths are
    equal here: letter case and percent-encoding count, the site doesn't.
    """
    if url.startswith("/"):
        rest = url
    elif origin := _ORIGIN.match(url):
        rest = url[origin.end() :]
    else:
        return None
    path = rest.partition("#")[0].partition("?")[0]
    return path.removesuffix("/")


def referring_domain(referrer: str) -> str | None:
    """The host, in lower case, of the page that led here; None for an empty referrer or one without a host.

    Without user, password and port; "www." stays, as www.example.com may be another site than example.com,
    and who groups them can do so later. IPv6 addresses keep their brackets. The app is the host of an
    `android-app://com.example` referrer. Whether it is the visited site itself is the caller's to see.
    """
    origin = _ORIGIN.match(referrer)
    host = _HOST.fullmatch(origin[1].rpartition("@")[2]) if origin else None
    if host is None:
        return None
    # One letter to one letter, as SQL's lower() does it; Python's makes two of İ, and looks around at Σ.
    return "".join(letter.lower()[0] for letter in host[1])


def utm_of(url: str) -> dict[str, str]:
    """Those of `UTM_NAMES` that the query of a URL gives a value, with that value decoded.

    Names are compared as they stand, in lower case. Of a repeated one the first counts; with an empty
    value, it is missing from the answer. Behind "#" there is no query. "+" and percent-encoding are
    decoded, NUL becomes U+FFFD; a stray "%" stays, and a value whose bytes aren't UTF-8 stays encoded as it
    was.
    """
    query = url.partition("#")[0].partition("?")[2]
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in UTM_NAMES:
            found.setdefault(name, _decoded(value))
    return {name: value for name, value in found.items() if value}


def _decoded(value: str) -> str:
    try:
        return unquote_plus(value, errors="strict").replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return value
