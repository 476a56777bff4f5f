"""Finding and asking a running server, for commands about what it knows.

The server is the one at the given address (`--url`, `SV_URL`); else the one that runs on the data folder, whose address is in the folder's
lock file; else, where no folder is named and none is in use, `sv dev` at its usual address and with its well-known credentials.
"""

import argparse
import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sv.meta.errors import FolderUnusable
from sv.meta.lock import find_holder, read_holder
from sv.model.errors import InvalidParameter, Unavailable
from sv.settings import add_flags, load_with_sources

TOKEN_VARIABLE: Final = "SV_API_TOKEN"  # noqa: S105 - the name of a variable
URL_VARIABLE: Final = "SV_URL"
COMMAND_VARIABLES: Final = (URL_VARIABLE, TOKEN_VARIABLE)
"""What commands that ask a server read from the environment, besides settings."""

DEV_URL: Final = "http://127.0.0.1:8000"
DEV_TOKEN: Final = "sv_dev"  # noqa: S105 - of `sv dev`, the same everywhere
TIMEOUT_S: Final = 60.0


def add_server_flags(parser: argparse.ArgumentParser, scope: str, also: Sequence[str] = ()) -> None:
    """Adds --url, --api-token and --data. scope: the scope that the token needs, for the help text. also: further settings."""
    parser.add_argument(
        "--url",
        help=f"the server's address [{URL_VARIABLE}, where --data isn't given] (default: the server on the data folder, else `sv dev`)",
    )
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        help=f"with the scope {scope}; better in {TOKEN_VARIABLE}, where other users of this machine don't see it",
    )
    add_flags(parser, ["data", *also])


def url_meant(args: argparse.Namespace) -> str | None:
    """The server of `--url`, or of `SV_URL` where no flag names a folder: a flag wins over a variable.

    Raises InvalidParameter for a variable that is no address."""
    if args.url:
        return str(args.url)
    url = None if args.data is not None else os.environ.get(URL_VARIABLE)
    if not url:
        return None
    from sv.remote.addresses import check_address

    check_address(url, URL_VARIABLE)
    return url


def find_server(args: argparse.Namespace) -> "RunningServer":
    """The server that the flags and the environment mean.

    Raises FolderUnusable where a folder is named and no server runs on it, and where this user may not see whether one does.
    """
    url, token = url_meant(args), args.api_token or os.environ.get(TOKEN_VARIABLE)
    if not url:
        loaded = load_with_sources(args, os.environ)
        holder = find_holder(loaded.settings.data)
        if holder is not None and holder.url is not None:
            url = holder.url
        elif loaded.sources["data"] == "default":
            url, token = DEV_URL, token or DEV_TOKEN
        else:
            raise FolderUnusable(f"no server runs on {loaded.settings.data}; name one (--url), or another folder (--data)")
    return RunningServer(url, token)


def is_served(data: Path) -> bool:
    """Whether who has the folder, which is in use, is a server that can be asked, and not another command."""
    holder = read_holder(data)
    return holder is not None and holder.url is not None


def no_token(url: str, scope: str) -> str:
    """The error of a command that was given no API token."""
    how = f"`sv token create NAME --scope {scope}` makes one"
    return f"expected an API token with the scope {scope} for {url} (--api-token or {TOKEN_VARIABLE}); {how}"


class RunningServer:
    """Raises InvalidParameter for a bad address or token."""

    def __init__(self, url: str, token: str | None) -> None:
        if not token:
            raise InvalidParameter(no_token(url, "read"))
        from sv.remote.server import RemoteServer  # with HTTP, which a command on a folder at rest goes without

        self.url = url
        self.token = token
        self._server = RemoteServer(url, token, agent="sv", timeout_s=TIMEOUT_S)

    def get(self, path: str, **parameters: str | int | None) -> dict[str, Any]:
        """The JSON that a route answers. path: after `/api/v1`. Raises InvalidParameter with the server's message where it refuses,
        Unavailable."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", f"{path}?{urllib.parse.urlencode(given)}" if given else path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same for a POST with a JSON body."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def project(self, given: str | None) -> str:
        """The project's path. given: its id; None where the token sees only one project. Raises InvalidParameter where it sees several."""
        if given is None:
            found = self.get("/projects", limit=20)["data"]
            if len(found) != 1:
                ids = ", ".join(each["id"] for each in found) or "none"
                raise InvalidParameter(f"expected a project; the token may see {ids} (--project)")
            given = str(found[0]["id"])
        return f"/projects/{urllib.parse.quote(given, safe='')}"

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        from sv.remote.server import MAX_PAGE_BYTES, TryAgainError

        try:
            return self._server.ask(method, path, body, most_bytes=MAX_PAGE_BYTES)
        except TryAgainError as fault:
            hint = "; start one with `sv dev`, or name one (--url)" if self.url == DEV_URL and not fault.is_answer else ""
            raise Unavailable(f"{fault.reason}{hint}") from None
