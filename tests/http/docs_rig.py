"""The fenced blocks of README.md and docs/, and commands of theirs run as a reader would type them.

`sv` is forked, everything else is bash. Addresses and folders are put in the place of the page's; nothing else is changed.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import forked

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```\w*\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
ADDRESSES = ("http://127.0.0.1:8000", "https://analytics.example.com")
RUN: set[tuple[str, str]] = set()
"""Page and text of the blocks that a test here has asked for."""


def pages() -> dict[str, list[str]]:
    """The blocks of each page, in order."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return {str(file.relative_to(ROOT)): FENCE.findall(file.read_text()) for file in files}


def block(page: str, begins: str) -> str:
    """The one block of the page that begins so; from now on it counts as run."""
    (found,) = [text for text in pages()[page] if text.startswith(begins)]
    RUN.add((page, found))
    return found


@dataclass(frozen=True)
class Shell:
    """Where commands run. `url` is the server that they ask, "" where they are about a folder at rest. `paths` are put in for the page's."""

    folder: Path
    url: str = ""
    paths: Mapping[str, str] | None = None

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        (self.folder / ".curlrc").write_text('silent\nshow-error\nfail-with-body\nnoproxy = "*"\nmax-time = 30\n')
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
        asked = {"SV_URL": self.url, "SV_API_TOKEN": "sv_dev"} if self.url else {}
        return kept | {"CURL_HOME": str(self.folder), "NO_PROXY": "127.0.0.1", "NO_COLOR": "1"} | asked | dict(more)

    def _put_in(self, text: str) -> str:
        for address in ADDRESSES if self.url else ():
            text = text.replace(address, self.url)
        for page, here in (self.paths or {}).items():
            text = text.replace(page, here)
        return text

    def sv(self, line: str, expected: int = 0, **more: str) -> str:
        """What a line that begins with `sv` prints, and then its status has to be the expected one."""
        words = shlex.split(self._put_in(line), comments=True)
        if ">" in words:
            words = words[: words.index(">")]
        assert words[0].removeprefix(".venv/bin/") == "sv", line
        done = forked.run(
            [sys.executable, "-m", "sv", *words[1:]], cwd=self.folder, env=self._environment(more), text=True, timeout=60
        )
        assert done.returncode == expected, (line, done.stdout, done.stderr)
        return str(done.stdout)

    def each_sv(self, text: str) -> list[str]:
        return [self.sv(line) for line in text.splitlines()]

    def bash(self, text: str, **more: str) -> str:
        return self._run(["bash", "-euo", "pipefail", "-c", self._put_in(text)], more)

    def python(self, text: str) -> str:
        return self._run([sys.executable, "-W", "error", "-c", self._put_in(text)], {})

    def _run(self, words: list[str], more: Mapping[str, str]) -> str:
        environment = self._environment(more)
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout
