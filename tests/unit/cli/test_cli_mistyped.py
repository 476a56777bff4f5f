"""Variables that look like a setting's, as commands tell of them."""

import logging

import pytest

from sv.cli import main
from sv.cli.mistyped import mistyped
from sv.cli.running import warn_of_mistyped

TOLD = "SV_PORTT: no such setting; did you mean SV_PORT?"
READ_BY_OTHERS = (
    "SV_URL", "SV_API_TOKEN", "SV_CONFIG", "SV_EXECUTABLE_CACHE", "SV_SCREENSHOTS", "SV_BENCH_EVENTS", "SV_BENCH_FOLDER", "SV_BENCH_LISTS",
    "SV_BENCH_ONLY", "SV_BENCH_ROUNDS", "SV_CRASH_KILLS", "SV_CRASH_SEED",
)  # fmt: skip


def test_nothing_is_said_of_what_something_reads_or_somebody_else_has_set() -> None:
    kubernetes = ("SV_SERVICE_HOST", "SV_SERVICE_PORT", "SV_PORT_8000_TCP", "SV_PORT_8000_TCP_ADDR", "SV_PORT_8000_TCP_PROTO")
    assert mistyped(dict.fromkeys([*READ_BY_OTHERS, *kubernetes, "SV_PORT", "HOME"], "1")) == []
    assert mistyped({"SV_PORTT": "9", "SV_URL": "x"}) == [TOLD]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SV_API_TOKE", "SV_API_TOKEN"),
        ("SV_URLL", "SV_URL"),
        ("SV_CONFI", "SV_CONFIG"),
        ("SV_FIRST_API_TOKE", "SV_FIRST_API_TOKEN"),
    ],
)
def test_what_commands_read_may_be_meant_too(name: str, meant: str) -> None:
    assert mistyped({name: "x"}) == [f"{name}: no such setting; did you mean {meant}?"]


def test_a_server_s_log_warns_of_them(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_mistyped({"SV_PORTT": "9"})
    assert caplog.record_tuples == [("sv.cli.running", logging.WARNING, TOLD)]


def test_sv_config_tells_of_them_beside_its_answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SV_PORTT", "9")
    assert main(["config"]) == 0
    told = capsys.readouterr()
    assert (told.out.split()[0], told.err) == ("data", f"sv: {TOLD}\n")
