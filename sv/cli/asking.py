"""Asking a running server, for commands about what it knows.

The address is the one given (`--url`, `SV_URL`), else that of the server on the data folder, by what it has written into its lock; where no
folder is named and none is in use either, that of `sv dev`, whose credentials everybody knows.
"""

import argparse
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sv import __version__
from sv.imports.addresses import check_address, check_token, make_opener
from sv.meta.errors import FolderUnusable
from sv.meta.lock import read_holder
from sv.model.errors import InvalidParameter, Unavailable
from sv.settings import add_flags, load_with_sources

TOKEN_VARIABLE: Final = "SV_API_TOKEN"  # noqa: S105 - the name of a variable
URL_VARIABLE: Final = "SV_URL"
COMMAND_VARIABLES: Final = (URL_VARIABLE, TOKEN_VARIABLE)
"""What commands that ask a server read from the environment, besides settings."""

DEV_URL: Final = "http://127.0.0.1:8000"
DEV_TOKEN: Final = "sv_dev"  # noqa: S105 - of `sv dev`, the same everywhere
TIMEOUT_S: Final = 60.0
MAX_ANSWER_BYTES: Final = 128 << 20
"""A page of a thousand events of 64 KiB."""


def add_server_flags(parser: argparse.ArgumentParser, scope: str, also: Sequence[str] = ()) -> None:
    """--url, --api-token and --data. scope: what the token must allow, for the help. also: further settings."""
    parser.add_argument(
        "--url", help=f"the server's address [{URL_VARIABLE}] (default: that of the server on the data folder, else of `sv dev`)"
    )
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        help=f"with the scope {scope}; better in {TOKEN_VARIABLE}, where other users of this machine don't see it",
    )
    add_flags(parser, ["data", *also])


def find_server(args: argparse.Namespace) -> "RunningServer":
    """The server that the flags and the environment mean. Raises FolderUnusable where a folder is named and no server runs on it."""
    url, token = args.url or os.environ.get(URL_VARIABLE), args.api_token or os.environ.get(TOKEN_VARIABLE)
    if not url:
        loaded = load_with_sources(args, os.environ)
        holder = read_holder(loaded.settings.data)
        if holder is not None and holder.url is not None:
            url = holder.url
        elif loaded.sources["data"] == "default":
            url, token = DEV_URL, token or DEV_TOKEN
        else:
            raise FolderUnusable(f"no server runs on {loaded.settings.data}; name one (--url), or another folder (--data)")
    return RunningServer(url, token)


class RunningServer:
    """Raises InvalidParameter for a bad address or token."""

    def __init__(self, url: str, token: str | None) -> None:
        if not token:
            raise InvalidParameter(f"expected an API token for {url} (--api-token or {TOKEN_VARIABLE})")
        check_token(token)
        check_address(url)
        self.url = url
        self.token = token
        self._opener = make_opener()

    def get(self, path: str, **parameters: str | int | None) -> dict[str, Any]:
        """The JSON that a route answers. path: after `/api/v1`. Raises InvalidParameter with what the server refuses with, Unavailable."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask(f"{path}?{urllib.parse.urlencode(given)}" if given else path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Likewise, of a route that is asked by a body."""
        return self._ask(path, msgspec.json.encode(body))

    def project(self, given: str | None) -> str:
        """The project's path. given: its id; None where the token may see one alone. Raises InvalidParameter where it sees several."""
        if given is None:
            found = self.get("/projects", limit=20)["data"]
            if len(found) != 1:
                ids = ", ".join(each["id"] for each in found) or "none"
                raise InvalidParameter(f"expected a project; the token may see {ids} (--project)")
            given = str(found[0]["id"])
        return f"/projects/{urllib.parse.quote(given, safe='')}"

    def _ask(self, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": f"sv/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        address = f"{self.url.rstrip('/')}/api/v1{path}"
        request = urllib.request.Request(address, body, headers=headers)  # noqa: S310 - http(s) alone
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                answer = _json_object(response.read(MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                content = _json_object(error.read(MAX_ANSWER_BYTES)) or {}
            raise _refusal(
                f"{self.url} answered {error.code}: {content.get('error') or error.reason}", error.code, content
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            hint = "; start one with `sv dev`, or name one (--url)" if self.url == DEV_URL else ""
            raise Unavailable(f"no answer from {self.url}: {reason or type(error).__name__}{hint}") from None
        if answer is None:
            raise InvalidParameter(f"{self.url} does not answer as a Session Vision server (--url)")
        return answer


def _refusal(message: str, status: int, content: dict[str, Any]) -> InvalidParameter | Unavailable:
    """Unavailable where another try may do."""
    if status in (429, 502, 503, 504):
        return Unavailable(message)
    details = content.get("details")
    lines = [f"  {each.get('field')}: {each.get('message')}" for each in details] if isinstance(details, list) else []
    return InvalidParameter("\n".join([message, *lines]) if len(lines) > 1 else message)


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
