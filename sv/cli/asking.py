"""Asking a running server, for commands about what is in its memory alone.

The address is the one given, else the one that the server on the data folder has written into its lock.
"""

import argparse
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

import msgspec

from sv import __version__
from sv.imports.addresses import check_address, check_token, make_opener
from sv.meta.errors import FolderUnusable
from sv.meta.lock import read_holder
from sv.model.errors import InvalidParameter, Unavailable

TOKEN_VARIABLE: Final = "SV_API_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_S: Final = 60.0
MAX_ANSWER_BYTES: Final = 16 << 20


def add_server_flags(parser: argparse.ArgumentParser, scope: str) -> None:
    """--url and --api-token. scope: what the token must allow, for the help."""
    parser.add_argument("--url", help="the server's address (default: that of the server on the data folder)")
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        help=f"with the scope {scope}; better in {TOKEN_VARIABLE}, where other users of this machine don't see it",
    )


class RunningServer:
    """Raises InvalidParameter for a bad address or token, FolderUnusable where no address is given and no server runs on the folder."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        token = args.api_token or os.environ.get(TOKEN_VARIABLE)
        if not token:
            raise InvalidParameter(f"expected an API token (--api-token or {TOKEN_VARIABLE})")
        check_token(token)
        self.url = args.url or _url_of(folder)
        check_address(self.url)
        self._token = token
        self._opener = make_opener()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON that a route answers. path: after `/api/v1`. Raises InvalidParameter with what the server refuses with, Unavailable."""
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": f"sv/{__version__}"}
        address = f"{self.url.rstrip('/')}/api/v1{path}"
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http(s) alone
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                answer = _json_object(response.read(MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                content = _json_object(error.read(MAX_ANSWER_BYTES)) or {}
            raise InvalidParameter(f"{self.url} answered {error.code}: {content.get('error') or error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unavailable(f"no answer from {self.url}: {reason or type(error).__name__}") from None
        if answer is None:
            raise InvalidParameter(f"{self.url} does not answer as a Session Vision server (--url)")
        return answer


def _url_of(folder: Path) -> str:
    holder = read_holder(folder)
    if holder is None or holder.url is None:
        raise FolderUnusable(f"no server runs on {folder}; name one (--url), or another folder (--data)")
    return holder.url


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
