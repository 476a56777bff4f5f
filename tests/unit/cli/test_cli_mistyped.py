"""Variables that look like a setting's, and options that look like a command's, as commands tell of them."""

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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve", "--prot", "9"], "--prot 9; did you mean --port?"),
        (["serve", "--prot=9"], "--prot=9; did you mean --port?"),
        (["token", "create", "nightly", "--dayz", "3"], "--dayz 3; did you mean --days?"),
        (["serve", "--zzzz"], "--zzzz"),
        (["serve", "port"], "port"),
    ],
)
def test_an_option_that_a_command_does_not_know_is_told_with_what_may_be_meant(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"unrecognized arguments: {told}\n")
