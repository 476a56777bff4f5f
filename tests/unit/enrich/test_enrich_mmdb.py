"""The reader of IP databases: against files written here, against maxminddb, and against damage."""

import ipaddress
import random
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from mmdb_encoder import build

from sv.ingest.enrich.mmdb import MalformedError, Mmdb

RICH: dict[str, Any] = {
    "continent": {"code": "EU", "names": {"en": "Europe", "ru": "Европа"}},
    "traits": [1, 2.5, b"\x00\xff", True, False, {"deep": ["er"]}],
    "big": 1 << 40,
    "note": "x" * 70_000,
    "country": {"iso_code": "DE", "geoname_id": 2921044, "names": {"en": "Germany"}},
}


def text(mmdb: Mmdb, address: str, *path: str) -> str | None:
    position = mmdb.find(ipaddress.ip_address(address).packed)
    return None if position is None else mmdb.text(position, path)


@pytest.mark.parametrize("bits", [24, 28, 32])
@pytest.mark.parametrize("version", [4, 6])
def test_an_address_finds_the_record_of_the_smallest_network_around_it(bits: int, version: int) -> None:
    networks = {"81.0.0.0/8": {"cc": "wide"}, "81.2.69.0/24": {"cc": "narrow"}, "81.2.69.7/32": {"cc": "one"}}
    mmdb = Mmdb(build(networks, bits=bits, version=version))

    found = [text(mmdb, ip, "cc") for ip in ("81.9.9.9", "81.2.69.6", "81.2.69.7", "82.0.0.0", "0.0.0.0")]
    assert found == ["wide", "narrow", "one", None, None]


def test_an_ipv6_address_is_found_in_a_database_of_both_and_not_in_one_of_ipv4() -> None:
    both = Mmdb(build({"2a02:8100::/32": {"cc": "DE"}, "81.2.0.0/16": {"cc": "GB"}}))
    only = Mmdb(build({"81.2.0.0/16": {"cc": "GB"}}, version=4))

    assert text(both, "2a02:8100:1::1", "cc") == "DE"
    assert text(both, "81.2.3.4", "cc") == "GB"
    assert text(only, "2a02:8100:1::1", "cc") is None


@pytest.mark.parametrize("pointers", [False, True])
def test_a_value_is_found_behind_values_of_every_type(pointers: bool) -> None:
    mmdb = Mmdb(build({"81.2.0.0/16": RICH}, pointers=pointers))

    assert text(mmdb, "81.2.3.4", "country", "iso_code") == "DE"
    assert text(mmdb, "81.2.3.4", "country", "names", "en") == "Germany"
    assert text(mmdb, "81.2.3.4", "country", "geoname_id") is None  # a number
    assert text(mmdb, "81.2.3.4", "country") is None  # a map
    assert text(mmdb, "81.2.3.4", "country", "iso_code", "more") is None
    assert text(mmdb, "81.2.3.4", "missing") is None


def test_pointers_of_every_length_are_followed() -> None:
    # Texts of 3,000 and 600,000 bytes push the later ones out of the reach of the shorter forms.
    record = {"a": "first", "b": "x" * 3_000, "c": "second", "d": "y" * 600_000, "e": "third"}
    mmdb = Mmdb(build({"81.2.0.0/16": record, "81.3.0.0/16": record}, pointers=True))

    assert [text(mmdb, "81.3.1.1", key) for key in "ace"] == ["first", "second", "third"]


def test_every_answer_is_that_of_maxminddb(tmp_path: Path) -> None:
    rng = random.Random(20)
    networks: dict[str, Any] = {}
    for number in range(300):
        length = rng.randint(9, 32)
        network = ipaddress.ip_network((rng.getrandbits(length) << (32 - length), length))
        networks[str(network)] = {"country": {"iso_code": f"C{number}"}}
    path = tmp_path / "test.mmdb"
    path.write_bytes(build(networks, bits=28, pointers=True))
    mmdb = Mmdb(path.read_bytes())
    inside = [str(ipaddress.ip_network(network)[-1]) for network in networks]
    outside = [str(ipaddress.IPv4Address(rng.getrandbits(32))) for _ in range(700)]

    with maxminddb.open_database(path) as reference:
        for ip in inside + outside:
            record: Any = reference.get(ip)
            assert text(mmdb, ip, "country", "iso_code") == (record["country"]["iso_code"] if record else None)


def test_records_come_once_each_and_end_at_the_limit() -> None:
    mmdb = Mmdb(build({f"{first}.0.0.0/8": {"cc": str(first)} for first in range(1, 100)}))

    assert [mmdb.text(position, ("cc",)) for position in mmdb.records(10_000)] == [str(n) for n in range(1, 100)]
    assert len(list(mmdb.records(120))) < 99


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no MaxMind DB metadata"),
        (b"PK\x03\x04" * 5000, "no MaxMind DB metadata"),
        (b"\xab\xcd\xefMaxMind.com", "beyond its end"),
        (b"\xab\xcd\xefMaxMind.com\xe0", "no number node_count"),
        (b"\xab\xcd\xefMaxMind.com\x20\x00", "pointers only"),
        (build({"1.0.0.0/8": {"cc": "AU"}})[:-80], "beyond its end"),
        (build({"1.0.0.0/8": {"cc": "AU"}})[400:], "before its search tree does"),
        (
            build({"1.0.0.0/8": {"cc": "AU"}}).replace(b"record_size\xa1\x18", b"record_size\xa1\x17"),
            "record_size 23",
        ),
        (
            build({"1.0.0.0/8": {"cc": "AU"}}).replace(b"ip_version\xa1\x06", b"ip_version\xa1\x05"),
            "ip_version 5",
        ),
    ],
)
def test_what_is_no_database_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(MalformedError, match=complaint):
        Mmdb(data)


def test_a_tree_that_leads_in_circles_is_malformed_and_ends() -> None:
    data = build({"81.2.0.0/16": {"cc": "GB"}})
    mmdb = Mmdb(bytes(6) + data[6:])  # both sides of the first node lead back to it

    for address in ("81.2.3.4", "2a02::1"):
        with pytest.raises(MalformedError, match="deeper than an address"):
            text(mmdb, address, "cc")
    assert list(mmdb.records(10_000)) == []


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"a": [[[[[[[[[[["x"]]]]]]]]]]], "cc": "GB"}, "nests too deep"),
        ({"a": ["x"] * 257, "cc": "GB"}, "257 entries"),
        ({f"k{number}": "x" for number in range(300)} | {"cc": "GB"}, "301 entries"),
    ],
)
def test_a_record_beyond_all_measure_is_malformed(record: dict[str, Any], complaint: str) -> None:
    mmdb = Mmdb(build({"81.2.0.0/16": record}))

    with pytest.raises(MalformedError, match=complaint):
        text(mmdb, "81.2.3.4", "cc")


def test_damage_anywhere_gives_an_answer_or_a_malformed_error() -> None:
    rng = random.Random(7)
    networks = {f"{first}.{second}.0.0/16": RICH | {"note": "n"} for first in (1, 81) for second in range(20)}
    whole = build(networks, pointers=True)
    outcomes: set[str] = set()
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 10, 300])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            mmdb = Mmdb(bytes(data))
            for ip in ("1.3.2.1", "81.7.1.1", "::1", "2a02::1"):
                text(mmdb, ip, "country", "iso_code")
            for position in mmdb.records(500):
                mmdb.text(position, ("country", "iso_code"))
            outcomes.add("answered")
        except MalformedError:
            outcomes.add("malformed")

    assert outcomes == {"answered", "malformed"}
