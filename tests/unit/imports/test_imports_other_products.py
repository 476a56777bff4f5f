"""What other products export comes in as events of ours: rows of each, and what then lies in the folder."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from imports_rig import Folder
from other_products_rig import (
    AMPLITUDE,
    DEVICE,
    EVENT_ID,
    MIXPANEL,
    PLAUSIBLE,
    POSTHOG,
    UMAMI,
    USER,
    read_as,
    taken_events,
    write_amplitude_zip,
    write_lines,
    write_zip,
)

TEN = 1_740_823_200_000  # 2025-03-01T10:00:00Z


def shown(event: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(event[name] for name in names)


def posthog_file(folder: Path, kind: str) -> Path:
    path = folder / f"export.{kind}"
    if kind == "jsonl":
        return write_lines(path, POSTHOG)
    texts = [row | {"properties": json.dumps(row["properties"]), "person_properties": "{}"} for row in POSTHOG]
    write_lines(folder / "rows.json", texts)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "copy (select * replace (timestamp::timestamptz as timestamp, created_at::timestamptz as created_at)"
            f" from read_json('{folder / 'rows.json'}', format = 'newline_delimited')) to '{path}' (format parquet)"
        )
    return path


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_posthogs_events_keep_who_did_what_when_and_where(folder: Folder, project: str, tmp_path: Path, kind: str) -> None:
    view, identify, paid = taken_events(folder, project, posthog_file(tmp_path, kind))
    assert shown(view, "event", "timestamp", "client_event_id") == ("$pageview", TEN + 123, EVENT_ID + "1")
    assert shown(view, "user_id", "anonymous_id", "session_id") == (None, DEVICE, "s-1")
    assert shown(identify, "user_id", "anonymous_id", "distinct_id") == (USER, DEVICE, USER)
    assert shown(paid, "user_id", "anonymous_id", "properties") == (
        USER,
        None,
        {"amount": 12.5, "$elements_chain": 'button.buy:text="Buy"'},
    )
    assert shown(view, "browser", "browser_version", "os", "country", "device_type") == (
        "Safari",
        "17.4",
        "macOS",
        "DE",
        "Mobile",
    )
    assert shown(view, "current_url", "url_path") == ("https://shop.example/p/1", "/p/1")
    assert not {"$ip", "token", "person_id", "person_properties"} & view["properties"].keys()
    assert view["properties"]["plan"] == "free"
    assert identify["properties"]["$set"] == {"email": "ann@mail.example"}
    assert identify["properties"]["$properties"] == {"utm_source": "news"}


def test_an_event_of_posthog_without_a_time_is_refused_and_not_of_now(tmp_path: Path) -> None:
    assert read_as(write_lines(tmp_path / "export.jsonl", [POSTHOG[0], POSTHOG[1] | {"timestamp": None}]))[2] == [
        "INVALID_TIMESTAMP"
    ]


def test_mixpanels_events_keep_who_did_what_when_and_where(folder: Folder, project: str, tmp_path: Path) -> None:
    view, identify, paid, server = taken_events(folder, project, write_lines(tmp_path / "export.json", MIXPANEL))
    assert shown(view, "event", "timestamp", "user_id", "anonymous_id") == ("$pageview", TEN, None, "d-1")
    assert shown(view, "browser", "browser_version", "os", "country", "url_path") == ("Chrome", "126", "macOS", "DE", "")
    assert view["properties"]["$insert_id"] == "abc123"
    assert shown(identify, "user_id", "anonymous_id") == ("user-7", "d-1")
    assert "mp_lib" not in identify["properties"]
    assert shown(paid, "user_id", "anonymous_id", "properties") == ("user-7", "d-1", {"amount": 5})
    assert shown(server, "user_id", "anonymous_id") == ("server-user", None)


def test_a_mixpanel_project_that_counts_in_its_own_timezone_is_set_right_by_it(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "export.json", MIXPANEL[:1])
    assert [event["timestamp"] for event in read_as(path, timezone="US/Pacific")[1]] == [TEN + 8 * 3_600_000]


def test_mixpanels_repeats_come_in_once_and_other_events_of_the_same_insert_id_all(
    folder: Folder, project: str, tmp_path: Path
) -> None:
    def ordered(name: str, time: int = 1740823200, who: str = "user-7", insert_id: str = EVENT_ID + "4") -> dict[str, Any]:
        return {"event": name, "properties": {"time": time, "distinct_id": who, "$insert_id": insert_id}}

    rows = [
        ordered("placed"),
        ordered("shipped"),
        ordered("placed", who="user-8"),
        ordered("placed", insert_id="abc"),
        ordered("placed"),
    ]
    first = write_lines(tmp_path / "first.json", rows)
    assert len(taken_events(folder, project, first)) == 4
    second = write_lines(tmp_path / "second.json", [*rows[3:], ordered("placed", time=1740823201)])
    assert len(taken_events(folder, project, second)) == 5


def test_a_mixpanel_alias_joins_the_one_id_to_the_other(tmp_path: Path) -> None:
    alias = {"event": "$create_alias", "properties": {"time": 1740823200, "distinct_id": "d-1", "alias": "user-7"}}
    ((event),) = read_as(write_lines(tmp_path / "export.json", [alias]))[1]
    assert (event["userId"], event["anonymousId"]) == ("user-7", "d-1")


def test_amplitudes_zip_of_hours_is_one_import_of_its_events(folder: Folder, project: str, tmp_path: Path) -> None:
    view, paid = taken_events(folder, project, write_amplitude_zip(tmp_path / "export.zip"))
    assert shown(view, "event", "timestamp", "client_event_id") == ("$pageview", TEN + 123, EVENT_ID + "5")
    assert shown(view, "user_id", "anonymous_id", "session_id") == (None, "d-1", "1740823200000-d-1")
    assert shown(view, "browser", "browser_version", "os", "country") == ("Chrome", "126", None, "GB")
    assert view["current_url"] == "https://shop.example/?a=1"
    assert not {"ip_address", "amplitude_id", "$insert_id", "groups"} & view["properties"].keys()
    assert shown(view["properties"], "city", "plan", "platform") == ("Leeds", "free", "Web")
    assert shown(paid, "user_id", "anonymous_id", "session_id", "os", "country") == ("user-7", "d-1", None, "ios", None)
    assert paid["properties"]["country"] == "Atlantis"
    assert paid["properties"]["$set"] == {"email": "ann@mail.example"}


def test_of_amplitudes_identify_the_users_properties_alone_are_traits(tmp_path: Path) -> None:
    row = AMPLITUDE[1] | {"event_type": "$identify"}
    ((event),) = read_as(write_lines(tmp_path / "export.json", [row]))[1]
    assert event["properties"]["$set"] == {"email": "ann@mail.example"}
    assert event["properties"]["$properties"] == {"amount": 5, "platform": "iOS", "country": "Atlantis"}
    assert all(name.startswith("$") for name in event["properties"])


@pytest.mark.parametrize(
    ("session", "found"),
    [("1740823200000", "1740823200000-d-1"), (0, "0-d-1"), ("-1", None), ("", None), (True, None), ("x", None)],
)
def test_an_amplitude_session_may_be_given_as_text(tmp_path: Path, session: Any, found: str | None) -> None:
    ((event),) = read_as(write_lines(tmp_path / "export.json", [AMPLITUDE[0] | {"session_id": session}]))[1]
    assert event.get("sessionId") == found


@pytest.mark.parametrize("name", ["$create_alias", "$merge_dangerously"])
def test_a_posthog_merge_joins_the_one_id_to_the_other(tmp_path: Path, name: str) -> None:
    row = POSTHOG[0] | {"event": name, "distinct_id": "user-7", "properties": {"alias": "d-9", "$device_id": "d-1"}}
    ((event),) = read_as(write_lines(tmp_path / "export.jsonl", [row]))[1]
    assert (event["event"], event["userId"], event["anonymousId"]) == (name, "user-7", "d-9")


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        (3, "", "umami_link"),
        (4, "", "umami_pixel"),
        (5, "", "umami_performance"),
        (8, "", "umami_8"),
        (3, "redirect", "redirect"),
    ],
)
def test_what_umami_has_no_name_for_is_called_by_its_kind(tmp_path: Path, kind: int, name: str, found: str) -> None:
    path = tmp_path / "website_event.csv"
    path.write_text(UMAMI.replace(",2,paid,", f",{kind},{name},"))
    assert [event["event"] for event in read_as(path)[1]] == ["$pageview", found]


def test_amplitudes_times_are_utc_whatever_the_zone(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "export.json", AMPLITUDE)
    assert [event["timestamp"] for event in read_as(path, timezone="US/Pacific")[1]] == [TEN + 123, TEN + 60_000]


def test_umamis_visitors_and_visits_become_persons_and_sessions(folder: Folder, project: str, tmp_path: Path) -> None:
    path = tmp_path / "website_event.csv"
    path.write_text(UMAMI)
    view, paid = taken_events(folder, project, path)
    assert shown(view, "event", "timestamp", "client_event_id") == ("$pageview", TEN, EVENT_ID + "7")
    assert shown(view, "user_id", "anonymous_id", "session_id") == (None, "v-1", "s-1")
    assert shown(view, "current_url", "url_path", "referring_domain") == (
        "https://shop.example/p/1?a=1",
        "/p/1",
        "search.example",
    )
    assert shown(view, "browser", "os", "device_type", "country", "utm_source") == ("Edge", "Windows", "Desktop", "DE", "news")
    assert view["properties"]["$title"] == "A page"
    assert view["properties"]["$referrer"] == "https://search.example/search?q=x"
    assert shown(paid, "event", "user_id", "anonymous_id", "browser", "device_type") == (
        "paid",
        "user-7",
        "v-1",
        "Safari",
        "Mobile",
    )


def test_what_databases_write_for_no_value_of_umami_is_none(tmp_path: Path) -> None:
    path = tmp_path / "website_event.csv"
    path.write_text(UMAMI.replace("search,q=x,search.example", r"search,\N,\N").replace("1,,,,2025", r"1,\N,\N,\N,2025"))
    view, paid = read_as(path)[1]
    assert (view["event"], "userId" in view, paid["userId"]) == ("$pageview", False, "user-7")
    assert not {"$referrer", "tag"} & view["properties"].keys()


def test_plausibles_names_of_digits_stay_as_they_are(tmp_path: Path) -> None:
    rows = "date,source,utm_content,utm_campaign,visitors\n2025-03-01,42,007,2024,5\n"
    ((event),) = read_as(write_zip(tmp_path / "shop.zip", {"imported_sources_20250301_20250302.csv": rows}))[1]
    assert event["properties"] == {"source": "42", "utm_content": "007", "utm_campaign": "2024", "visitors": 5}


def test_plausibles_totals_come_in_as_totals_and_as_no_pageviews(folder: Folder, project: str, tmp_path: Path) -> None:
    events = taken_events(folder, project, write_zip(tmp_path / "shop_example.zip", PLAUSIBLE))
    assert {event["distinct_id"] for event in events} == {"plausible"}
    found = sorted((event["event"], event["timestamp"], event["properties"].get("pageviews")) for event in events)
    day = TEN - 10 * 3_600_000
    assert found == [
        ("plausible_browsers", day, 25),
        ("plausible_pages", day, 7),
        ("plausible_pages", day + 86_400_000, 9),
        ("plausible_visitors", day, 25),
        ("plausible_visitors", day + 86_400_000, 45),
    ]
    (browser,) = [event["properties"] for event in events if event["event"] == "plausible_browsers"]
    assert (browser["browser"], browser["browser_version"], browser["visitors"]) == ("Chrome", "126", 10)


def test_plausibles_days_begin_in_the_zone_that_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "shop_example.zip", PLAUSIBLE)
    times = {event["timestamp"] for event in read_as(path, timezone="Europe/Berlin")[1]}
    assert times == {TEN - 11 * 3_600_000, TEN + 13 * 3_600_000}
