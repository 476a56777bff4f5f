"""A first start that ends early, wherever: the next one goes on, and somebody gets in."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from crash_rig import ROOT

from sv.auth.passwords import verify_password
from sv.auth.tokens import describe_api_token
from sv.cli.credentials import ADMIN_EMAIL, Credentials, first_credentials, note_shown
from sv.meta.instance import CREDENTIALS_SHOWN
from sv.model.access import Actor
from sv.model.errors import Unavailable
from sv.people.logins import log_in
from sv.server import Server, now_ms
from sv.settings import Secret, Settings


class Started:
    """A folder opened as `sv serve` opens it, up to where it would be served."""

    def __init__(self, folder: Path, given: tuple[str, str] | None = None) -> None:
        """given: a project token and an API token."""
        settings = Settings(data=folder, flush_seconds=3600.0)
        if given is not None:
            settings = msgspec.structs.replace(settings, first_project_token=given[0], first_api_token=Secret(given[1]))
        self.server = Server(settings)
        self.server.open()

    def end(self) -> None:
        self.server.close(flush=False)

    def lets_in(self, made: Credentials) -> tuple[bool, bool, bool]:
        """By the password, by the API token, by the project token."""
        login = self.server.users.find_login(made.email)
        assert login is not None
        return (
            verify_password(login[1], made.password),
            self.server.api_tokens.find_live(describe_api_token(made.api_token or "").hash, now_ms()) is not None,
            self.server.project_tokens.resolve_project_token(made.project_token, now_ms()) == made.project_id,
        )


def start(folder: Path, *, is_shown: bool, given: tuple[str, str] | None = None) -> Credentials | None:
    started = Started(folder, given)
    made = first_credentials(started.server)
    if made is not None:
        assert (made.api_token is None) == (given is not None)
        made = made if given is None else msgspec.structs.replace(made, api_token=given[1])
        assert started.lets_in(made) == (True, True, True)
    if is_shown:
        note_shown(started.server)
    started.end()
    return made


def test_credentials_that_were_made_and_never_shown_are_made_anew_and_the_old_ones_end(tmp_path: Path) -> None:
    lost = start(tmp_path / "data", is_shown=False)
    found = start(tmp_path / "data", is_shown=True)
    assert lost is not None
    assert found is not None
    assert found.project_id == lost.project_id
    assert start(tmp_path / "data", is_shown=True) is None
    again = Started(tmp_path / "data")
    assert again.lets_in(found) == (True, True, True)
    assert again.lets_in(lost)[:2] == (False, False)
    assert [user.email for user in again.server.users.list_all()] == [ADMIN_EMAIL]
    assert [project.id for project in again.server.projects.list_all()] == [found.project_id]
    again.end()


ONE = ("sv_pub_" + "1" * 32, "sv_" + "1" * 40)
OTHER = ("sv_pub_" + "2" * 32, "sv_" + "2" * 40)


@pytest.mark.parametrize("before", [(), (None, ONE), (ONE, OTHER)])
def test_the_tokens_that_are_given_are_those_of_the_start_that_is_shown(
    tmp_path: Path, before: tuple[tuple[str, str] | None, ...]
) -> None:
    """before: what was given to starts that were cut off."""
    lost = [start(tmp_path / "data", is_shown=False, given=given) for given in before]
    found = start(tmp_path / "data", is_shown=True, given=ONE)
    assert found is not None
    assert (found.project_token, found.api_token) == ONE
    assert start(tmp_path / "data", is_shown=True, given=OTHER) is None
    again = Started(tmp_path / "data", OTHER)
    assert again.lets_in(found) == (True, True, True)
    assert again.server.project_tokens.resolve_project_token(OTHER[0], now_ms()) is None
    live = [token for token in again.server.api_tokens.list_all() if token.revoked_ms is None]
    assert [token.prefix for token in live] == [ONE[1][:7]]
    assert len(again.server.projects.list_all()) == 1
    assert not [made for made in lost if made is not None and made.api_token != ONE[1] and again.lets_in(made)[1]]
    again.end()


def ask_the_api(server: Server, _: Credentials) -> None:
    (token,) = server.api_tokens.list_all()
    server.api_tokens.touch(token.id, now_ms())
    server.api_tokens.write_touches()


def log_in_and_out(server: Server, made: Credentials) -> None:
    login = log_in(server.people, made.email, made.password, address="127.0.0.1", user_agent="")
    server.people.login_sessions.end(login.session.id, login.user.id)


def make_a_user(server: Server, made: Credentials) -> None:
    server.people.note(Actor("cli", None, "somebody"), "user.create", ("u1", "ann@example.com"))


@pytest.mark.parametrize("get_in", [ask_the_api, log_in_and_out, make_a_user])
def test_credentials_that_somebody_uses_stay_whatever_could_be_noted(
    tmp_path: Path, get_in: Callable[[Server, Credentials], None]
) -> None:
    """The disk was full when they were shown."""
    made = start(tmp_path / "data", is_shown=False)
    assert made is not None
    using = Started(tmp_path / "data")
    get_in(using.server, made)
    using.end()
    assert start(tmp_path / "data", is_shown=False) is None
    again = Started(tmp_path / "data")
    assert again.lets_in(made) == (True, True, True)
    again.end()


def forget_that_they_were_shown(server: Server) -> None:
    """As in a folder of before that was noted."""
    with server.meta.transaction() as writer:
        writer.execute("delete from settings where key = ?", (CREDENTIALS_SHOWN,))


@pytest.mark.parametrize("age", [lambda server: None, forget_that_they_were_shown])
def test_a_server_whose_last_project_was_deleted_is_no_new_one(tmp_path: Path, age: Callable[[Server], None]) -> None:
    """Its administrator's password and its tokens are as they were."""
    made = start(tmp_path / "data", is_shown=True)
    assert made is not None
    older = Started(tmp_path / "data")
    age(older.server)
    assert first_credentials(older.server) is None
    older.end()
    deleting = Started(tmp_path / "data")
    deleting.server.projects.delete(made.project_id, now_ms())
    deleting.end()
    assert start(tmp_path / "data", is_shown=True) is None
    again = Started(tmp_path / "data")
    assert again.lets_in(made) == (True, True, False)
    again.end()


def test_what_a_first_start_makes_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("full")

    started = Started(tmp_path / "data")
    monkeypatch.setattr(started.server.projects, "create", refuse)
    with pytest.raises(Unavailable, match="full"):
        first_credentials(started.server)
    assert (started.server.users.list_all(), started.server.api_tokens.list_all()) == ([], [])
    started.end()
    assert start(tmp_path / "data", is_shown=True) is not None


def test_a_start_that_nobody_listened_to_is_done_again(tmp_path: Path) -> None:
    """Its output was closed, as by a kill before it could be read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    reading, writing = os.pipe()
    os.close(reading)
    try:
        words = [sys.executable, "-m", "sv", "serve", "--data", str(tmp_path / "data"), "--port", "0", "--json"]
        ended = subprocess.run(words, cwd=ROOT, env=kept, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writing)
    assert ended.returncode != 0, ended.stderr
    words = [sys.executable, "-m", "sv", "serve", "--data", str(tmp_path / "data"), "--port", "0", "--json"]
    with subprocess.Popen(words, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
        finally:
            process.terminate()
    assert said["email"] == ADMIN_EMAIL
    again = Started(tmp_path / "data")
    shown = Credentials(*(said[name] for name in ("project_id", "project_token", "api_token", "email", "password")))
    assert again.lets_in(shown) == (True, True, True)
    again.end()
