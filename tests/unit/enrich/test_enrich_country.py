"""Countries by header and by address."""

import importlib.resources
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_encoder import build

from sv.ingest.enrich import country
from sv.ingest.enrich.country import HEADER_NAMES, Countries, CountryDatabaseError, from_header, from_headers

GEOLITE: dict[str, Any] = {
    "81.2.69.0/24": {
        "continent": {"code": "EU"},
        "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
    },
    "2a02:8100::/32": {"country": {"iso_code": "DE"}},
    "9.9.9.0/24": {"registered_country": {"iso_code": "US"}},
    "8.8.8.0/24": {"country": {"iso_code": "EU"}},
    "10.0.0.0/8": {"country": {"iso_code": "FR"}},
}


def saved(tmp_path: Path, networks: dict[str, Any], **options: Any) -> Path:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(build(networks, **options))
    return path


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"DE", "DE"),
        (b"de", "DE"),
        (b" gB ", "GB"),
        (b"XK", "XK"),
        *((value, None) for value in (b"", b"XX", b"T1", b"ZZ", b"EU", b"AP", b"A1", b"UK", b"?", b"-", b"D", b"DEU")),
        *((value, None) for value in (b"D E", b"de,fr", b"\xc3\x9f", b"\xff\xfe", b"\x00\x00", b"DE\x00", b"D" * 9_999)),
    ],
)
def test_a_header_holds_an_assigned_code_or_nothing(value: bytes, code: str | None) -> None:
    assert from_header(value) == code


@given(st.binary(max_size=4))
def test_whatever_a_header_holds_the_answer_is_two_capital_letters_or_none(value: bytes) -> None:
    code = from_header(value)

    assert code is None or (len(code) == 2 and code.isascii() and code.isupper() and code.encode() == value.strip().upper())


def test_the_codes_are_those_of_iso_3166_and_kosovo() -> None:
    table = (importlib.resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    assigned = {line[:2] for line in table.splitlines() if line and not line.startswith("#")}

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert {a + b for a in letters for b in letters if from_header((a + b).encode())} == assigned | {"XK"}


def test_the_first_name_in_precedence_counts_whatever_the_order_of_the_headers() -> None:
    headers = [(name, code.encode()) for name, code in zip(HEADER_NAMES, ("DE", "FR", "IT", "ES", "PT", "AT"), strict=True)]

    assert from_headers(headers) == from_headers(headers[::-1]) == "DE"
    assert from_headers(headers[3:][::-1]) == "ES"


def test_a_header_without_a_country_gives_way_to_the_next_that_has_one() -> None:
    assert from_headers([(b"cf-ipcountry", b"T1"), (b"x-country-code", b"se")]) == "SE"
    assert from_headers([(b"cf-ipcountry", b"XX"), (b"cf-ipcountry", b"NO"), (b"cf-ipcountry", b"DK")]) == "NO"
    assert from_headers([(b"host", b"DE"), (b"x-country", b"DE"), (b"cf-ipcountry", b"XX")]) is None
    assert from_headers([]) is None
    assert Countries(None).from_headers([(b"x-vercel-ip-country", b"JP")]) == "JP"


def test_header_names_are_lower_case_as_asgi_gives_them() -> None:
    assert all(name == name.lower() for name in HEADER_NAMES)


@pytest.mark.parametrize(
    ("ip", "code"),
    [
        ("81.2.69.142", "GB"),
        ("::ffff:81.2.69.142", "GB"),
        ("::FFFF:5102:458e", "GB"),
        ("2a02:8100::1", "DE"),
        ("2a02:8100:0000:0000:0000:0000:0000:0001", "DE"),
        ("81.2.70.1", None),  # not in the database
        ("9.9.9.9", None),  # registered in a country, which doesn't say where it is used
        ("8.8.8.8", None),  # the EU is no country
        # not of the internet, whatever the database says
        *((ip, None) for ip in ("10.1.2.3", "192.168.0.1", "127.0.0.1", "169.254.1.1", "100.64.0.1", "0.0.0.0")),
        *((ip, None) for ip in ("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "2001:db8::1", "::ffff:10.1.2.3")),
        # no addresses
        *((ip, None) for ip in ("", " ", "81.2.69", "81.2.69.142 ", "81.2.69.142:80", "081.2.69.142", "81.2.69.256")),
        *(
            (ip, None)
            for ip in (
                "[2a02:8100::1]",
                "2a02:8100:::1",
                "localhost",
                "unknown",
                "\x00",
                "\ud800",
                "٨١.2.69.142",
            )
        ),
        *((ip, None) for ip in ("81.2.69.142, 10.0.0.1", "1" * 100_000, "2a02:8100::1%" + "z" * 99_999)),
    ],
)
def test_an_address_has_the_country_that_the_database_gives_it(tmp_path: Path, ip: str, code: str | None) -> None:
    countries = Countries(saved(tmp_path, GEOLITE))

    assert countries.from_ip(ip) == code
    assert countries.from_ip(ip) == code  # remembered


@pytest.mark.parametrize(
    "record",
    [
        {"country": {"iso_code": "gb"}},
        {"country_code": "GB"},
        {"country": "GB", "country_name": "United Kingdom"},
    ],
)
@pytest.mark.parametrize("bits", [24, 28, 32])
@pytest.mark.parametrize("pointers", [False, True])
def test_the_layouts_of_all_publishers_are_understood(tmp_path: Path, record: dict[str, Any], bits: int, pointers: bool) -> None:
    countries = Countries(saved(tmp_path, {"81.2.69.0/24": record}, bits=bits, pointers=pointers, version=4))

    assert countries.from_ip("81.2.69.142") == "GB"
    assert countries.from_ip("2a02:8100::1") is None


def test_without_a_database_no_address_has_a_country() -> None:
    assert Countries(None).from_ip("81.2.69.142") is None


def test_the_file_may_be_overwritten_or_removed_while_it_is_in_use(tmp_path: Path) -> None:
    path = saved(tmp_path, GEOLITE)
    countries = Countries(path)

    os.truncate(path, 0)
    assert countries.from_ip("81.2.69.142") == "GB"
    path.unlink()
    assert countries.from_ip("2a02:8100::1") == "DE"


def test_a_record_that_turns_out_damaged_costs_only_its_own_addresses(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mmdb"
    data = build({"81.0.0.0/8": {"country": {"iso_code": "FR"}}, "82.0.0.0/8": {"country": {"iso_code": "GB"}}})
    # The second map claims 28 entries, which lie beyond the end of the data or are of no known type.
    path.write_bytes(data.replace(b"\xe1Hiso_codeBGB", b"\xfcHiso_xxxxBGB"))
    countries = Countries(path)

    assert countries.from_ip("81.1.1.1") == "FR"
    assert countries.from_ip("82.1.1.1") is None


def missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def directory(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def other_format(path: Path) -> None:
    path.write_bytes(b"network,country\n81.2.69.0/24,GB\n" * 1000)


def cut_short(path: Path) -> None:
    path.write_bytes(build(GEOLITE)[:-100])


def about_networks(path: Path) -> None:
    path.write_bytes(build({"81.2.69.0/24": {"autonomous_system_number": 64512}}, kind="GeoLite2-ASN"))


def fifo(path: Path) -> None:
    os.mkfifo(path)


def too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, country.DATABASE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (missing, "does not exist"),
        (directory, "is not a file"),
        (fifo, "is not a file"),
        (empty, "is damaged or no MaxMind DB: it has no MaxMind DB metadata"),
        (other_format, "is damaged or no MaxMind DB: it has no MaxMind DB metadata"),
        (cut_short, "is damaged or no MaxMind DB: "),
        (about_networks, r"has no countries in it \(it is a GeoLite2-ASN\)"),
        (too_large, "is larger than 512 MiB"),
    ],
)
def test_a_file_of_no_use_is_refused_with_its_name_and_a_remedy(
    tmp_path: Path, make: Callable[[Path], None], complaint: str
) -> None:
    path = tmp_path / "geo.mmdb"
    make(path)

    with pytest.raises(CountryDatabaseError, match=f"geo.mmdb {complaint}.*; give a country database"):
        Countries(path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path, GEOLITE)
    monkeypatch.setattr(Path, "read_bytes", forbidden)

    with pytest.raises(CountryDatabaseError, match="can't be read: Permission denied"):
        Countries(path)


def test_looking_countries_up_imports_nothing_heavy() -> None:
    code = (
        "import sys; from sv.ingest.enrich.country import Countries; Countries(None).from_ip('81.2.69.142');"
        "assert not {'maxminddb', 'ua_parser', 'duckdb', 'pyarrow', 'numpy'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
