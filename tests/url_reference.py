"""What enrichment takes out of a URL, in slow and obvious Python: the reference for the SQL of `sv.engine.duck.buffer.enrich`.

The third of its kind, a URL's path, is `sv.model.filters.url_path`, which the product itself uses. A URL is read as it was sent: scheme,
authority, path, query and fragment are told apart by their marks (RFC 3986, appendix B), and nothing is normalised, resolved or stripped of
blanks. Assumes nothing and never raises: what isn't a URL has no domain and no campaign.
"""

import re
from typing import Final
from urllib.parse import unquote_plus

from sv.engine.duck.buffer.enrich import UTM_NAMES

# Scheme and authority; after them come path, query and fragment.
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")

# A name or IPv4 address, or an IPv6 address in brackets, then perhaps a port. The URL standard's forbidden
# characters are in no host, others may be: names aren't always sent in their ASCII form.
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?")


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
