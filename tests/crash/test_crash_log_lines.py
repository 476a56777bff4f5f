"""The log says what happened and to which file, and nothing of whom the events are about: at the level `debug`, in damage as in good days."""

import json

from conftest import Serve
from crash_rig import INGEST, PROJECT, Server, now_ms, part_files
from test_crash_damage import spoil_the_footer, spoil_the_middle

MARK = "zzsecret"
PERSON = f"{MARK}.ann@example.com"
NUMBER = "4915112345678"
IP = "203.0.113.77"
HEADERS = {
    "User-Agent": f"{MARK}-agent",
    "X-Forwarded-For": IP,
    "Referer": f"https://{MARK}.example/",
    "Cookie": f"sv_session={MARK}",
}


def body(*events: object) -> bytes:
    return json.dumps({"projectToken": "sv_pub_dev", "events": events}).encode()


def an_event(nth: int, **more: object) -> dict[str, object]:
    return {
        "event": f"{MARK} event",
        "userId": PERSON,
        "anonymousId": NUMBER,
        "sessionId": f"{MARK}-session",
        "timestamp": now_ms() - nth * 1000,
        "properties": {
            "email": PERSON,
            f"{MARK}'\"": f"'{MARK}",
            "$current_url": f"https://shop/{MARK}?q={NUMBER}",
            "phone": NUMBER,
        },
        **more,
    }


def ask_everything(server: Server) -> None:
    """Right and wrong requests with personal data in each place where there can be any."""
    for content in (
        body(an_event(1), an_event(2, timestamp=PERSON), an_event(3, userId=[PERSON]), an_event(4, eventId=PERSON), PERSON),
        body({"event": PERSON}),
        json.dumps({"projectToken": PERSON, "events": [an_event(5)]}).encode(),
        f'{{"projectToken": "sv_pub_dev", "{PERSON}'.encode(),
        PERSON.encode(),
    ):
        server.ask("POST", INGEST, content, HEADERS | {"Content-Type": "application/json"})
    chunk = {"projectToken": "sv_pub_dev", "sessionId": f"{MARK}-session", "chunkIndex": 0, "sizeBytes": 2, "userId": PERSON}
    server.ask("POST", "/api/v1/ingest/recordings", json.dumps(chunk).encode(), HEADERS)
    filters = json.dumps([{"property": f"{MARK}'", "operator": "regex", "value": f"({PERSON}"}])
    for path in (
        f"events?filters={filters}",
        f"events?distinct_id={PERSON}&cursor={MARK}",
        f"persons?search={PERSON}",
        f"persons/{PERSON}/events",
        f"persons/{MARK}/export",
        f"sessions/{MARK}-session/recording",
        f"sessions?entry_url=/{MARK}",
        f"{MARK}/{PERSON}",
    ):
        server.ask("GET", f"{PROJECT}/{path}".replace(" ", "%20").replace('"', "%22"), None, HEADERS)
    trends = {
        "series": [{"event": MARK, "math": "sum", "math_property": PERSON}],
        "breakdown": MARK,
        "filters": json.loads(filters),
    }
    server.ask("POST", f"{PROJECT}/insights/trends", trends, HEADERS)
    server.ask("POST", "/api/v1/auth/login", {"email": PERSON, "password": MARK}, HEADERS)


def is_clean(server: Server) -> bool:
    said = server.all_logs
    return not any(each in said for each in (MARK, PERSON, NUMBER, IP))


def test_no_line_of_the_log_says_anything_of_a_person_though_files_and_the_log_itself_are_damaged(serve: Serve) -> None:
    server = serve(SV_LOG_LEVEL="debug", SV_LOG_FORMAT="json").start()
    ask_everything(server)
    for day in range(2):
        server.store(body(*(an_event(day * 86_400 + nth) for nth in range(300))))
    assert server.stop() == 0
    server.start()
    spoil_the_middle(part_files(server.folder)[0])
    spoil_the_footer(part_files(server.folder)[1])
    ask_everything(server)
    assert server.ask("GET", f"{PROJECT}/events?limit=1000")[0] == 200
    server.kill()
    for path in (server.folder / "log").iterdir():
        data = path.read_bytes()
        if MARK.encode() in data:
            path.write_bytes(data.replace(f"{MARK} event".encode(), f"{MARK} EVENT".encode(), 1))
    server.start()
    ask_everything(server)
    assert server.stop() == 0
    assert "set aside a damaged file of events" in server.all_logs
    assert " damaged bytes of " in server.all_logs
    assert is_clean(server), server.all_logs
