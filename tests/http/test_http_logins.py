"""Logging in with a browser: the cookie, what it is good for, how it ends, and whose pages may use it."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from bad_input import error_of
from http_rig import Api, event

AUTH = "/api/v1/auth"
PASSWORD = "correct horse battery"


class Browser:
    """Keeps cookies, and says of each request that it is from a page of the server's own."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30, headers={"Origin": url})

    def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return self.http.post(f"{AUTH}/login", json={"email": email, "password": password})

    def status(self) -> int:
        return self.http.get(f"{AUTH}/me").status_code


@pytest.fixture
def browsers(api: Api) -> Iterator[list[Browser]]:
    """Three of them, at the server's own pages."""
    opened = [Browser(api.server.url) for _ in range(3)]
    yield opened
    for browser in opened:
        browser.http.close()


def user_of(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.http.post("/api/v1/users", json={"email": f"{uuid4().hex}@example.com", "password": PASSWORD, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_the_login_of_sv_dev_is_the_one_it_is_said_to_be(api: Api, browsers: list[Browser]) -> None:
    browser = browsers[0]
    answer = browser.log_in("dev@localhost", "dev")
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "dev@localhost"
    api.send(event())
    assert len(browser.http.get(api.path("events")).json()["data"]) == 1
    assert browser.http.get(f"{AUTH}/me").json() == answer.json()


def test_what_a_stranger_sends_to_log_in_is_small(api: Api, browsers: list[Browser]) -> None:
    answer = browsers[0].http.post(f"{AUTH}/login", content=b" " * 17_000, headers={"Content-Type": "application/json"})
    assert error_of(answer, 413)["code"] == "PAYLOAD_TOO_LARGE"
    longest = browsers[0].http.post(
        f"{AUTH}/login",
        content=b'{"email":"%s@example.com","password":"%s"}' % (b"\\u00e9" * 200, b"\\ud83d\\ude00" * 1024),
        headers={"Content-Type": "application/json"},
    )
    assert longest.status_code in (401, 422)


def test_scripts_and_other_sites_do_not_get_at_the_cookie(api: Api, browsers: list[Browser]) -> None:
    email = user_of(api)["email"]
    (plain,) = browsers[0].log_in(email).headers.get_list("set-cookie")
    assert re.fullmatch(r"sv_session=[\w-]{43}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", plain)


def test_a_login_that_fails_does_not_tell_whether_the_account_exists(api: Api, browsers: list[Browser]) -> None:
    email = user_of(api)["email"]
    wrong = browsers[0].log_in(email, "wrong")
    unknown = browsers[0].log_in("nobody@example.com", "wrong")
    assert error_of(wrong, 401) == error_of(unknown, 401) == {"error": "wrong e-mail or password", "code": "NOT_AUTHENTICATED"}
    assert "set-cookie" not in wrong.headers
    assert browsers[0].log_in(email.upper()).status_code == 200


def test_an_account_is_closed_to_guessing_for_a_while_and_others_are_not(api: Api, browsers: list[Browser]) -> None:
    email, other = user_of(api)["email"], user_of(api)["email"]
    assert [browsers[0].log_in(email, f"guess {number}").status_code for number in range(11)] == [401] * 10 + [429]
    refused = browsers[0].log_in(email)
    assert error_of(refused, 429)["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert browsers[1].log_in(other).status_code == 200


def test_an_address_may_not_go_on_guessing_at_one_account_after_the_other(api: Api, browsers: list[Browser]) -> None:
    statuses = [browsers[0].log_in(f"{number}@example.com", "wrong").status_code for number in range(31)]
    assert statuses == [401] * 30 + [429]
    assert error_of(browsers[0].log_in(user_of(api)["email"]), 429)["code"] == "RATE_LIMITED"


def test_credentials_that_are_refused_are_counted_by_why(api: Api, browsers: list[Browser]) -> None:
    def counts() -> list[float]:
        return [
            api.metric(f'sv_credentials_refused_total{{reason="{reason}"}}') for reason in ("password", "throttled", "api_token")
        ]

    before, email = counts(), user_of(api)["email"]
    for number in range(12):
        browsers[0].log_in(email, f"guess {number}")
    assert browsers[0].http.get(api.path("events"), headers={"Authorization": "Bearer sv_unknown"}).status_code == 401
    browsers[1].log_in(user_of(api)["email"])
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [10, 2, 1]


def test_logging_out_ends_the_session_and_not_only_the_cookie(api: Api, browsers: list[Browser]) -> None:
    browser = browsers[0]
    browser.log_in(user_of(api)["email"])
    secret = browser.http.cookies["sv_session"]
    answer = browser.http.post(f"{AUTH}/logout")
    assert answer.status_code == 204
    assert "sv_session" not in browser.http.cookies
    browser.http.cookies["sv_session"] = secret
    assert browser.status() == 401


def test_a_new_password_ends_the_other_sessions_and_no_others(api: Api, browsers: list[Browser]) -> None:
    email, other = user_of(api)["email"], user_of(api)["email"]
    for browser, address in zip(browsers, (email, email, other), strict=True):
        browser.log_in(address)
    refused = browsers[0].http.post(f"{AUTH}/password", json={"current_password": "wrong", "new_password": "another one"})
    assert error_of(refused, 422)["details"][0]["field"] == "current_password"
    short = browsers[0].http.post(f"{AUTH}/password", json={"current_password": PASSWORD, "new_password": "short"})
    assert error_of(short, 422)["details"][0]["field"] == "new_password"
    assert [browser.status() for browser in browsers] == [200, 200, 200]
    body = {"current_password": PASSWORD, "new_password": "another one"}
    assert browsers[0].http.post(f"{AUTH}/password", json=body).status_code == 204
    assert [browser.status() for browser in browsers] == [200, 401, 200]
    assert [browsers[1].log_in(email, each).status_code for each in (PASSWORD, "another one")] == [401, 200]


def choose(browser: Browser, current: str, new: str) -> httpx.Response:
    return browser.http.post(f"{AUTH}/password", json={"current_password": current, "new_password": new})


def test_guesses_at_the_current_password_count_as_wrong_logins_do(api: Api, browsers: list[Browser]) -> None:
    """Who found a browser open may not find out its user's password, by neither way."""
    email = user_of(api)["email"]
    browsers[0].log_in(email)
    assert [choose(browsers[0], f"guess {number}", "another one").status_code for number in range(11)] == [422] * 10 + [429]
    refused = choose(browsers[0], PASSWORD, "another one")
    assert error_of(refused, 429) == {"error": "too many wrong passwords; wait as Retry-After says", "code": "RATE_LIMITED"}
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert browsers[1].log_in(email).status_code == 429
    assert browsers[0].status() == 200, "the login that is there stays"


def test_a_new_password_that_can_not_be_is_no_guess(api: Api, browsers: list[Browser]) -> None:
    email = user_of(api)["email"]
    browsers[0].log_in(email)
    for new in ["short"] * 12 + ["x" * 1025] * 2:
        details = error_of(choose(browsers[0], PASSWORD, new), 422)["details"]
        assert details == [{"field": "new_password", "message": f"expected a string of 8 to 1,024 characters, got {len(new):,}"}]
    assert browsers[1].log_in(email).status_code == 200
    assert choose(browsers[0], PASSWORD, "another one").status_code == 204


def test_a_password_may_be_as_long_as_it_is_said_to_be(api: Api, browsers: list[Browser]) -> None:
    longest = "x" * 1024
    email = user_of(api, password=longest)["email"]
    assert browsers[0].log_in(email, longest).status_code == 200
    assert choose(browsers[0], longest, longest[::-1]).status_code == 204
    assert error_of(browsers[0].log_in(email, longest + "x"), 422)["details"] == [
        {"field": "password", "message": "expected a string of 1 to 1,024 characters, got 1,025"}
    ]


def test_a_user_sees_and_ends_their_own_sessions_alone(api: Api, browsers: list[Browser]) -> None:
    email, other = user_of(api)["email"], user_of(api)["email"]
    for browser, address in zip(browsers, (email, email, other), strict=True):
        browser.log_in(address)
    listed = browsers[0].http.get(f"{AUTH}/sessions").json()["data"]
    assert [each["is_current"] for each in listed] in ([True, False], [False, True])
    (elsewhere,) = [each["id"] for each in listed if not each["is_current"]]
    error_of(browsers[2].http.delete(f"{AUTH}/sessions/{elsewhere}"), 404)
    assert browsers[0].http.delete(f"{AUTH}/sessions/{elsewhere}").status_code == 204
    assert [browser.status() for browser in browsers] == [200, 401, 200]


def test_a_user_has_twenty_sessions_at_most(api: Api, browsers: list[Browser]) -> None:
    email = user_of(api)["email"]
    browsers[0].log_in(email)
    for _ in range(20):
        browsers[1].log_in(email)
    assert len(browsers[1].http.get(f"{AUTH}/sessions").json()["data"]) == 20
    assert [browser.status() for browser in browsers[:2]] == [401, 200]


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({"Origin": "{own}"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example", "Referer": "{own}/page"}, False),
        ({"Referer": "{own}/page"}, True),
        ({"Referer": "https://evil.example/{own}"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({}, False),
    ],
)
def test_a_change_by_cookie_has_to_come_from_a_page_of_the_server(
    api: Api, browsers: list[Browser], headers: dict[str, str], is_own: bool
) -> None:
    made = user_of(api, is_instance_admin=True)
    browsers[0].log_in(made["email"])
    cookie = {"Cookie": f"sv_session={browsers[0].http.cookies['sv_session']}"}
    sent = cookie | {name: value.format(own=api.server.url) for name, value in headers.items()}
    with httpx.Client(base_url=api.server.url, trust_env=False) as plain:
        assert plain.get(f"{AUTH}/me", headers=sent).status_code == 200
        asked = plain.post("/api/v1/projects", json={"name": "By cookie"}, headers=sent)
        assert asked.status_code == (201 if is_own else 403)
        insight = {"events": [{"name": "view"}]}
        assert plain.post(api.path("insights/trends"), json=insight, headers=sent).status_code == (200 if is_own else 403)
        # A token is not sent by a browser on its own: whoever has it may use it from anywhere.
        by_token = plain.post("/api/v1/projects", json={"name": "By token"}, headers=sent | {"Authorization": "Bearer sv_dev"})
        assert by_token.status_code == 201


def test_another_site_can_not_log_anybody_in(api: Api) -> None:
    with httpx.Client(base_url=api.server.url, trust_env=False, headers={"Origin": "https://evil.example"}) as evil:
        error_of(evil.post(f"{AUTH}/login", json={"email": "dev@localhost", "password": "dev"}), 403)


def test_a_wrong_token_is_not_made_good_by_a_cookie(api: Api, browsers: list[Browser]) -> None:
    browsers[0].log_in("dev@localhost", "dev")
    asked = browsers[0].http.get(api.path("events"), headers={"Authorization": "Bearer sv_nobody"})
    error_of(asked, 401)


def test_a_user_reads_and_writes_by_their_role_from_the_next_request_on(api: Api, browsers: list[Browser]) -> None:
    made = user_of(api)
    browser = browsers[0]
    browser.log_in(made["email"])
    member = f"{api.path('members')}/{made['id']}"

    def may() -> list[bool]:
        asked = [
            browser.http.get(api.path("events")),
            browser.http.patch(api.path("event_definitions/nothing"), json={}),
            browser.http.get(api.path("audit")),
        ]
        return [answer.status_code != 403 for answer in asked]

    assert may() == [False, False, False]
    assert api.http.post(api.path("members"), json={"email": made["email"], "role": "viewer"}).status_code == 201
    assert may() == [True, False, False]
    for role, expected in (("editor", [True, True, False]), ("admin", [True, True, True])):
        assert api.http.patch(member, json={"role": role}).status_code == 200
        assert may() == expected
    assert browser.http.get(f"{AUTH}/me").json()["projects"] == [
        {"id": "dev", "name": api.http.get("/api/v1/projects/dev").json()["name"], "timezone": "UTC", "role": "admin"}
    ]
    assert api.http.delete(member).status_code == 204
    assert may() == [False, False, False]
    assert api.http.delete(f"/api/v1/users/{made['id']}").status_code == 204
    assert browser.status() == 401


def test_whatever_of_a_user_changes_in_one_request_is_stored_and_answered(api: Api) -> None:
    path = f"/api/v1/users/{user_of(api)['id']}"
    change = {"password": PASSWORD[::-1], "is_instance_admin": True, "memberships": [{"project_id": "dev", "role": "editor"}]}
    answer = api.http.patch(path, json=change)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["is_instance_admin"] is True
    assert changed["memberships"] == [{"project_id": "dev", "role": "editor"}]
    assert api.http.get(path).json() == changed
    actions = [each["action"] for each in api.http.get("/api/v1/audit", params={"limit": 3}).json()["data"]]
    assert actions == ["member.add", "user.password", "user.update"]
    assert api.http.delete(path).status_code == 204


def test_a_cookie_of_nothing_but_quotes_costs_what_any_other_costs(api: Api) -> None:
    """Python's own reader of cookies takes a minute for it, in which nobody else is answered."""
    cookies = 'a="' + '\\"' * 120_000 + '"; sv_session=x'
    with httpx.Client(base_url=api.server.url, trust_env=False, timeout=30) as stranger:
        error_of(stranger.get("/api/v1/projects", headers={"Cookie": cookies}), 401)
