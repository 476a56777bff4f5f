"""A few rows of each product's export, written by hand after their published descriptions, and their import by choice of a reader."""

import gzip
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imports_rig import NOW, Folder, Kept
from msgspec.structs import replace

from sv.imports.archives import files_at
from sv.imports.columns import Columns
from sv.imports.other_products.choosing import AUTO, choose
from sv.imports.report import FileReport
from sv.imports.running import Options, import_file
from sv.imports.targets import Target

DEVICE, USER = "018f-device", "user-7"
EVENT_ID = "018f2a10-0000-7000-8000-00000000000"

POSTHOG: list[dict[str, Any]] = [
    {
        "uuid": EVENT_ID + "1",
        "event": "$pageview",
        "distinct_id": DEVICE,
        "person_id": "018f-person",
        "properties": {
            "$device_id": DEVICE, "$session_id": "s-1", "$is_identified": False, "$current_url": "https://shop.example/p/1",
            "$browser": "Mobile Safari", "$browser_version": 17.4, "$os": "Mac OS X", "$device_type": "Mobile", "token": "phc_x",
            "$ip": "203.0.113.9", "$geoip_country_code": "DE", "plan": "free",
        },
        "person_properties": {"email": "old@mail.example"},
        "timestamp": "2025-03-01T10:00:00.123000+00:00",
        "created_at": "2025-03-01T10:00:01+00:00",
        "elements_chain": "",
    },
    {
        "uuid": EVENT_ID + "2",
        "event": "$identify",
        "distinct_id": USER,
        "person_id": "018f-person",
        "properties": {
            "$device_id": DEVICE, "$anon_distinct_id": DEVICE, "$is_identified": True, "$session_id": "s-1",
            "$set": {"email": "ann@mail.example"}, "utm_source": "news",
        },
        "person_properties": {},
        "timestamp": "2025-03-01T10:01:00+00:00",
        "created_at": "2025-03-01T10:01:01+00:00",
        "elements_chain": "",
    },
    {
        "uuid": EVENT_ID + "3",
        "event": "paid",
        "distinct_id": USER,
        "person_id": "018f-person",
        "properties": {"amount": 12.5},
        "person_properties": {},
        "timestamp": "2025-03-01T10:02:00+00:00",
        "created_at": "2025-03-01T10:02:01+00:00",
        "elements_chain": 'button.buy:text="Buy"',
    },
]  # fmt: skip

MIXPANEL: list[dict[str, Any]] = [
    {
        "event": "$mp_web_page_view",
        "properties": {
            "time": 1740823200, "distinct_id": "$device:d-1", "$device_id": "d-1", "$insert_id": "abc123", "$browser": "Chrome",
            "$browser_version": 126, "$os": "Mac OS X", "$current_url": "https://shop.example/", "mp_country_code": "DE",
        },
    },
    {
        "event": "$identify",
        "properties": {
            "time": 1740823260, "distinct_id": "user-7", "$identified_id": "user-7", "$anon_id": "d-1", "mp_lib": "web",
            "$insert_id": EVENT_ID + "4",
        },
    },
    {"event": "paid", "properties": {"time": 1740823320, "distinct_id": "user-7", "$user_id": "user-7", "$device_id": "d-1", "amount": 5}},
    {"event": "paid", "properties": {"time": 1740823380, "distinct_id": "server-user", "amount": 6}},
]  # fmt: skip

AMPLITUDE: list[dict[str, Any]] = [
    {
        "event_type": "[Amplitude] Page Viewed", "event_time": "2025-03-01 10:00:00.123000", "user_id": None, "device_id": "d-1",
        "session_id": 1740823200000, "uuid": EVENT_ID + "5", "amplitude_id": 99, "platform": "Web", "os_name": "Chrome", "os_version": "126",
        "country": "United Kingdom", "city": "Leeds", "ip_address": "203.0.113.9", "$insert_id": "x", "$schema": None, "language": "English",
        "event_properties": {"[Amplitude] Page Location": "https://shop.example/?a=1", "plan": "free"}, "user_properties": {}, "groups": {},
    },
    {
        "event_type": "paid", "event_time": "2025-03-01 10:01:00", "user_id": "user-7", "device_id": "d-1", "session_id": -1,
        "uuid": EVENT_ID + "6", "amplitude_id": 99, "platform": "iOS", "os_name": "ios", "os_version": "17", "country": "Atlantis",
        "event_properties": {"amount": 5}, "user_properties": {"email": "ann@mail.example"}, "groups": {},
    },
]  # fmt: skip

UMAMI_HEADER = (
    "website_id,session_id,visit_id,event_id,hostname,browser,os,device,screen,language,country,region,city,url_path,url_query,utm_source,"
    "referrer_path,referrer_query,referrer_domain,page_title,event_type,event_name,tag,distinct_id,created_at,job_id"
)
UMAMI = f"""{UMAMI_HEADER}
w-1,v-1,s-1,{EVENT_ID}7,shop.example,edge-chromium,Windows 10,laptop,1920x1080,en,DE,DE-BE,Berlin,/p/1,a=1,news,/search,q=x,search.example,A page,1,,,,2025-03-01 10:00:00,
w-1,v-1,s-1,{EVENT_ID}8,shop.example,ios,iOS,mobile,390x844,en,DE,,,/p/1,,,,,,A page,2,paid,,user-7,2025-03-01 10:01:00,
"""

PLAUSIBLE = {
    "imported_visitors_20250301_20250302.csv": "date,visitors,pageviews,bounces,visits,visit_duration\n"
    '"2025-03-01",10,25,3,11,600\n"2025-03-02",20,45,6,22,900\n',
    "imported_pages_20250301_20250302.csv": "date,hostname,page,visits,visitors,pageviews\n"
    '"2025-03-01","shop.example","/p/1",5,4,7\n"2025-03-02","shop.example","/404",5,4,9\n',
    "imported_browsers_20250301_20250302.csv": "date,browser,browser_version,visitors,visits,visit_duration,bounces,pageviews\n"
    '"2025-03-01","Chrome","126",10,11,600,3,25\n',
}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(lines(rows))
    return path


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write_zip(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_amplitude_zip(path: Path) -> Path:
    """As the export has it: a gzipped file an hour."""
    hours = {f"123/123_2025-03-01_{hour}#0.json.gz": gzip.compress(lines([row]), 1) for hour, row in enumerate(AMPLITUDE, 10)}
    return write_zip(path, hours)


def take_as(path: Path, target: Target, project_id: str, source: str = AUTO, timezone: str = "UTC") -> list[FileReport]:
    """Import the files that are at a path, as the command does. Nothing may be left out."""
    options = Options(project_id, Columns.parse([]), timezone)
    chosen, left_out = choose(files_at(path, None), source, options.columns)
    assert left_out == []
    reports: list[FileReport] = []
    for each in chosen:
        read_as = None if each.reader is None else (each.reader.name, each.reader.title)
        own = replace(options, columns=each.columns, read_as=read_as)
        reports.append(import_file(each.file, own, target, lambda: NOW, lambda *_: None))
    return reports


def read_as(path: Path, source: str = AUTO, timezone: str = "UTC") -> tuple[list[str], list[dict[str, Any]], list[str]]:
    """By which readers, the events, the codes of what was rejected."""
    kept = Kept()
    reports = take_as(path, kept, "p", source, timezone)
    names = [report.read_as[0] if report.read_as else "sv" for report in reports]
    return names, kept.events, [code for _, code in kept.rejected]


def taken_events(folder: Folder, project_id: str, path: Path) -> list[dict[str, Any]]:
    """What lies in the folder's files after the import, oldest first."""
    for report in take_as(path, folder.target(project_id), project_id):
        assert report.rejected == 0, report.lines(is_dry=False)
    return folder.events(project_id)
