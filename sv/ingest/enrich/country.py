"""Tells the country of a request (ISO 3166-1 alpha-2) from a header that a CDN set, or from the IP address.

Assumes that whoever runs the server knows what stands in front of it: a header is believed from anyone, as
nobody but the visitor himself loses by a false one. The address is looked up in a database file of the
operator's, if there is one; it is kept in memory among the last ones asked for and never written anywhere.
Never asks the network.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from sv.ingest.enrich.mmdb import MalformedError, Mmdb
from sv.model.errors import ServerFault

# In order of precedence: names that only one CDN uses come before the one that people choose themselves
# (Fastly, nginx and load balancers add the country under whatever name they are told to). Fly.io sends a
# region, no country.
HEADER_NAMES: Final[tuple[bytes, ...]] = (
    b"cf-ipcountry",  # Cloudflare; XX is unknown, T1 is Tor
    b"cloudfront-viewer-country",  # Amazon CloudFront, where the origin request policy asks for it
    b"x-vercel-ip-country",  # Vercel
    b"cdn-requestcountrycode",  # bunny.net
    b"x-appengine-country",  # Google App Engine; ZZ is unknown
    b"x-country-code",
)

# The officially assigned codes, and XK, which CDNs and databases alike use for Kosovo. Everything else is
# no country: XX, ZZ and T1, the EU and AP of old databases, and what a visitor makes up.
_ASSIGNED: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
_BY_HEADER: Final = {code.encode(): code for code in _ASSIGNED.split()}
_RANK: Final = {name: rank for rank, name in enumerate(HEADER_NAMES)}

# The visitors of an hour or so, of whom each asks several times; about 3 MB when full.
CACHED_ADDRESSES: Final = 16_384

# Networks share records: room for those of a country database, and for the busiest of a city database.
CACHED_RECORDS: Final = 4096

# The longest form of an address: IPv6 with an IPv4 ending. Longer is no address, and not worth remembering.
ADDRESS_CHARS: Final = 45

# City databases have 60 to 130 MB; a larger file is the wrong one, and it is held in memory.
DATABASE_BYTES: Final = 512 * 1024 * 1024

# Country databases name one in the first records; where none does in so many nodes, the file is about
# something else.
_PROBED_NODES: Final = 20_000

# Where publishers keep the code: MaxMind, DB-IP, IP2Location; IPinfo Lite and many smaller ones; older
# IPinfo.
_LAYOUTS: Final = (("country", "iso_code"), ("country_code",), ("country",))


class CountryDatabaseError(ServerFault):
    """The IP database can't be used: the server does not start. The message names the file, what is wrong, and what to do."""


def from_header(value: bytes) -> str | None:
    """The upper-case code that a header's value holds, in either case; None for anything but a country."""
    return _BY_HEADER.get(value) or _BY_HEADER.get(value.strip().upper())


def from_headers(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The country by the first of `HEADER_NAMES` that holds one; None if none does.

    Takes ASGI's raw headers: names in lower case. Of a repeated header the first valid value counts.
    """
    best, country = len(HEADER_NAMES), None
    for name, value in headers:
        if name in _RANK and _RANK[name] < best and (code := from_header(value)) is not None:
            best, country = _RANK[name], code
    return country


class Countries:
    """Looks countries up. Safe to share between threads.

    With `database` None, no address has a country. Otherwise the file is read into memory here (about 10 MB
    for a country database) and not looked at again: to take a new one into use, make a new `Countries`.
    Raises `CountryDatabaseError` for a file that is missing, not readable, damaged, or has no countries in
    it.
    """

    def __init__(self, database: Path | None) -> None:
        self._mmdb = _open(database) if database is not None else None
        self._country_at = lru_cache(maxsize=CACHED_RECORDS)(self._read_record)
        self._remembered = lru_cache(maxsize=CACHED_ADDRESSES)(self._look_up)

    def from_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The country by the first of `HEADER_NAMES` that holds one; None if none does. Needs no database."""
        return from_headers(headers)

    def from_ip(self, ip: str) -> str | None:
        """The country of an IPv4 or IPv6 address, also of an IPv4 one written as IPv6 (`::ffff:192.0.2.1`).

        None for what isn't an address or isn't reachable from the internet (private, loopback, link-local,
        for documentation), for one that the database doesn't know, and where the database turns out to be
        damaged.
        """
        if self._mmdb is None or len(ip) > ADDRESS_CHARS:
            return None
        return self._remembered(ip)

    def of_request(self, headers: Iterable[tuple[bytes, bytes]], ip: str | None) -> str | None:
        """By the headers, else by the address."""
        return from_headers(headers) or (self.from_ip(ip) if ip else None)

    def _look_up(self, ip: str) -> str | None:
        assert self._mmdb is not None
        try:
            address = ipaddress.ip_address(ip)
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
                address = address.ipv4_mapped
            if not address.is_global:
                return None
            record = self._mmdb.find(address.packed)
            return None if record is None else self._country_at(record)
        except ValueError:
            return None

    def _read_record(self, position: int) -> str | None:
        return _country(self._mmdb, position) if self._mmdb is not None else None


def _country(mmdb: Mmdb, position: int) -> str | None:
    for path in _LAYOUTS:
        text = mmdb.text(position, path)
        if text is not None:
            return from_header(text.encode())
    return None


def _open(path: Path) -> Mmdb:
    try:
        # A FIFO or device would block or never end.
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise _unusable(path, what)
        if path.stat().st_size > DATABASE_BYTES:
            raise _unusable(path, f"is larger than {DATABASE_BYTES >> 20} MiB")
        mmdb = Mmdb(path.read_bytes())
        has_countries = any(_country(mmdb, position) for position in mmdb.records(_PROBED_NODES))
    except OSError as error:
        raise _unusable(path, f"can't be read: {error.strerror or error}") from error
    except MalformedError as error:
        raise _unusable(path, f"is damaged or no MaxMind DB: {error}") from error
    if not has_countries:
        raise _unusable(path, f"has no countries in it (it is a {mmdb.kind})")
    return mmdb


def _unusable(path: Path, what: str) -> CountryDatabaseError:
    return CountryDatabaseError(
        f"the IP database {path} {what}; give a country database in the MaxMind DB format "
        "(.mmdb, as GeoLite2-Country or DB-IP Country Lite), or none to do without countries by address (SV_GEOIP_DB)"
    )
