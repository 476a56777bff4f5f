"""What `sv` says where no command comes first: its help, or what was wrong and what may have been meant."""

import pytest

from sv import __version__
from sv.cli import COMMANDS, main


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, and what was said on standard output and in the last line on standard error."""
    try:
        code = main(list(words))
    except SystemExit as ending:
        code = int(ending.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err.strip().rpartition("\n")[2]


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"], ["--foo", "--help"]])
def test_its_help_names_every_command(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = said(capsys, *words)
    assert (code, err) == (0, "")
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []
    assert "erase a person, or write all that is kept of one" in out


def test_help_tells_of_one_command_as_that_itself_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "help", "serve") == said(capsys, "serve", "--help")
    assert said(capsys, "--version") == (0, f"sv {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serv"], "sv: error: unknown command 'serv'; did you mean serve?"),
        (["help", "funel"], "sv: error: unknown command 'funel'; did you mean funnel?"),
        (["hlep"], "sv: error: unknown command 'hlep'; did you mean help?"),
        (["version"], "sv: error: unknown command 'version'; did you mean --version?"),
        (["xyzzy"], f"sv: error: unknown command 'xyzzy'; the commands are {', '.join(COMMANDS)}"),
        (["--json", "serve"], "sv: error: expected the command before its options: sv serve --json"),
        (
            ["--data", "a b", "serve", "--json"],
            "sv: error: expected the command before its options: sv serve --data 'a b' --json",
        ),
        (
            ["--foo"],
            "sv: error: unknown option '--foo'; `sv --help` lists the commands, `sv COMMAND --help` a command's options",
        ),
    ],
)
def test_what_was_wrong_is_told_with_what_may_be_meant(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert said(capsys, *words) == (2, "", told)
