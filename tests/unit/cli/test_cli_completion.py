"""Every command has help with examples, and shells complete what the commands take."""

import contextlib
import os
import pty
import select
import shutil
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from sv.cli import COMMANDS, make_parsers
from sv.cli.completion import SCRIPTS, offers_of

HERE = [shell for shell in SCRIPTS if shutil.which(shell)]
"""Of the shells, those that this machine has."""

CASES = [
    ("sv fun", ["funnel"]),
    ("sv funnel --mode strict_o", ["strict_order", "strict_once"]),
    ("sv project create --js", ["--json"]),
    ("sv project set", ["settings"]),
    ("sv --data x", []),
    ("sv serve --log-format js", ["json"]),
    ("sv serve --log-level ", ["debug", "info", "warning", "error"]),
    ("sv dev --s3-addressing ", ["auto", "path", "host"]),
    ("sv completion ", ["bash", "zsh", "fish"]),
]


@pytest.fixture(scope="module")
def parsers() -> dict[str, ArgumentParser]:
    return make_parsers()


def script(shell: str, parsers: dict[str, ArgumentParser], folder: Path) -> Path:
    path = folder / shell
    path.write_text(SCRIPTS[shell](offers_of(COMMANDS, parsers)), encoding="utf-8")
    return path


def completed(shell: str, path: Path, line: str) -> list[str]:
    """What the shell itself offers for a line."""
    words = line.split(" ")
    if shell == "bash":
        told = f'source {path}; COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words) - 1}; _sv; printf "%s\\n" "${{COMPREPLY[@]}}"'
    else:
        told = f"source {path}; complete -C '{line}'"
    done = subprocess.run([shell, "-c", told], capture_output=True, text=True, timeout=30, check=True)
    return [each.partition("\t")[0] for each in done.stdout.splitlines() if each]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_and_json_where_a_program_would_read_it(
    command: str, parsers: dict[str, ArgumentParser]
) -> None:
    parser = parsers[command]
    assert f"  sv {command}" in parser.format_help().partition("examples:\n")[2]
    offers = offers_of({}, {command: parser})[1:]
    leaves = [offer for offer in offers if not offer.commands]
    assert leaves
    for offer in leaves:
        told = {flag for option in offer.options for flag in option.flags}
        assert "--json" in told or command == "completion" or offer.words == ("person", "export"), offer.words


@pytest.mark.parametrize("words", [("compact",), ("person", "erase"), ("person", "export")])
def test_commands_on_a_folder_take_the_settings_that_matter_to_them(
    parsers: dict[str, ArgumentParser], words: tuple[str, ...]
) -> None:
    (offer,) = [offer for offer in offers_of({}, parsers) if offer.words == words]
    taken = {flag for option in offer.options for flag in option.flags}
    assert {"--config", "--data", "--memory-limit", "--threads", "--log-level"} <= taken
    assert not taken & {"--port", "--host", "--first-api-token", "--ingest-rate-limit", "--script-path"}
    assert ("--s3-bucket" in taken) == (words[0] == "person"), "its recordings are erased, too"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_tells_of_every_command_and_option(shell: str, parsers: dict[str, ArgumentParser], tmp_path: Path) -> None:
    text = script(shell, parsers, tmp_path).read_text()
    for offer in offers_of(COMMANDS, parsers):
        names = [*offer.commands, *(flag for option in offer.options for flag in option.flags if flag.startswith("--"))]
        missing = [
            name for name in names if (f"-l {name[2:]}" if shell == "fish" and name.startswith("--") else name) not in text
        ]
        assert missing == []


@pytest.mark.parametrize("shell", HERE)
def test_a_script_is_one_that_its_shell_reads(shell: str, parsers: dict[str, ArgumentParser], tmp_path: Path) -> None:
    done = subprocess.run([shell, "-n", str(script(shell, parsers, tmp_path))], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", [shell for shell in HERE if shell != "zsh"])  # whose completion needs a terminal: below
def test_a_shell_completes_commands_options_and_values(shell: str, parsers: dict[str, ArgumentParser], tmp_path: Path) -> None:
    path = script(shell, parsers, tmp_path)
    for line, expected in CASES:
        found = completed(shell, path, line)
        assert [name for name in expected if name not in found] == [], (line, found)
        assert "tail" not in found, line


class Terminal:
    """What is typed, and what is shown since."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def shown_until(self, *awaited: str) -> str:
        shown, until_s = "", time.monotonic() + 60
        while any(each not in shown for each in awaited):
            assert time.monotonic() < until_s, (awaited, shown)
            if select.select([self.descriptor], [], [], 0.2)[0]:
                shown += os.read(self.descriptor, 1 << 16).decode(errors="replace")
        return shown


@contextlib.contextmanager
def zsh() -> Iterator[Terminal]:
    """An interactive one that reads no settings, at a terminal of its own."""
    ours, its = pty.openpty()
    environment = {"TERM": "dumb", "COLUMNS": "200", "PATH": os.defpath}
    words = [shutil.which("zsh") or "zsh", "-f", "-i"]
    with subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True) as shell:
        os.close(its)
        try:
            yield Terminal(ours)
        finally:
            shell.kill()
            os.close(ours)


@pytest.mark.parametrize("shell", [shell for shell in HERE if shell == "zsh"])
def test_zsh_completes_at_a_terminal(shell: str, parsers: dict[str, ArgumentParser], tmp_path: Path) -> None:
    with zsh() as terminal:
        terminal.type(
            "unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; setopt nobeep; bindkey '^I' complete-word\n"
        )
        terminal.type(f"source {script(shell, parsers, tmp_path)}; print re''ady\n")
        terminal.shown_until("ready\r\n")
        for line, expected in CASES:
            # TRICKY: what it shows includes what is typed, so a name that was typed in part is awaited in whole.
            if expected and not any(name in line for name in expected):
                terminal.type(f"{line}\t")
                shown = terminal.shown_until(*expected)
                assert "tail" not in shown, line
                terminal.type("\x15print go''ne\n")
                terminal.shown_until("gone\r\n")
