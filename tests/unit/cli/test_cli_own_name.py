"""The next command that a server prints can be typed as it stands, and its address opened."""

import pytest

from sv.cli.greeting import own_name
from sv.cli.running import shown_host


@pytest.mark.parametrize(
    ("called", "typed"),
    [
        ("/srv/clone/.venv/bin/sv", "./.venv/bin/sv"),
        (".venv/bin/sv", "./.venv/bin/sv"),
        ("/opt/sv/bin/sv", "/opt/sv/bin/sv"),
        ("sv", "sv"),
        ("/opt/sv/lib/python/sv/__main__.py", "sv"),
    ],
)
def test_where_no_shell_finds_it_the_path_is_typed(called: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getcwd", lambda: "/srv/clone")
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert own_name(called) == typed


def test_where_a_shell_finds_it_the_name_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert own_name("/srv/clone/.venv/bin/sv") == "sv"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("fd00::7", "[fd00::7]"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_of_all_addresses_the_machine_s_own_is_shown(host: str, shown: str) -> None:
    assert shown_host(host) == shown
