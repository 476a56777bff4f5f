"""The ASGI door for what other sites' pages load: the browser client, its recorder, its types, and the project's configuration.

    GET /sv.js, /recorder.js, /sv.d.ts                 built from `ui/client` into `sv/sdk/browser`; the first two can be moved by settings
    GET /api/v1/ingest/config?token=sv_pub_…           the configuration for pages with this project token

Readable from any origin (CORS), cached by browsers, and revalidated by ETag. A file is read and compressed when it is first asked for, and
again when it has changed on disk. Without a built client the answer is a 404 that says how to build it. The OpenAPI document describes the
configuration by a stub (`routes_ingest`).
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from sv.auth.tokens import unknown_project_token
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter, MethodNotAllowed, NotFound
from sv.model.limits import MAX_PARAMETER_CHARS, MAX_QUERY_PARAMETERS
from sv.model.project_settings import read_project_settings
from sv.model.validate import clip
from sv.web.errors import error_answer
from sv.web.front import ANY_ORIGIN, Opening, Receive, Scope, Send, respond

INGEST_CONFIG: Final = "/api/v1/ingest/config"
TYPES_PATH: Final = "/sv.d.ts"
BUILT: Final = Path(__file__).parents[1] / "sdk" / "browser"

BASE: Final = b"__SV_BASE__"
"""In the client, where the base path belongs: a script knows where it came from, but not how much of that is the server's address."""

_CONFIG_PATHS: Final = (INGEST_CONFIG, f"{INGEST_CONFIG}/")
_SCRIPT_CACHING: Final = b"public, max-age=3600, stale-while-revalidate=86400"
"""An hour, and a day in which the old one is used while the new one is fetched: a page never waits for it twice a day."""

_CONFIG_CACHING: Final = b"public, max-age=300"
"""Clients keep it for an hour by themselves; this is for many pages of one visit, and for proxies."""

_ANY_SITE: Final = (b"cross-origin-resource-policy", b"cross-origin")
_ALLOW: Final = b"GET, HEAD, OPTIONS"
_PREFLIGHT: Final = [
    ANY_ORIGIN,
    (b"access-control-allow-methods", _ALLOW),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]


class ClientConfig(Struct, frozen=True, rename="camel"):
    """How a project's pages should behave. script_path, recorder_path: on this server."""

    autocapture: bool
    respect_do_not_track: bool
    recording_sample_rate: float
    mask_all_inputs: bool
    mask_all_text: bool
    script_path: str
    recorder_path: str


class _File(Struct, frozen=True):
    """A file to serve. mtime_ns: of the file from which it was read."""

    mtime_ns: int
    plain: bytes
    zipped: bytes
    tag: str


class ClientDoor:
    """project_of: the project of a project token, or None; asked on the event loop. find_project: a project by its id; asked on a thread.

    base_path: the setting, which the client takes for a part of the server's address. folder: where the built client is.
    """

    def __init__(
        self,
        project_of: Callable[[str], str | None],
        find_project: Callable[[str], Project | None],
        *,
        script_path: str,
        recorder_path: str,
        base_path: str = "",
        folder: Path = BUILT,
    ) -> None:
        self._project_of = project_of
        self._find_project = find_project
        self._script_path = script_path
        self._recorder_path = recorder_path
        self._base_path = base_path.encode()
        self._folder = folder
        self._names: Mapping[str, str] = {TYPES_PATH: "sv.d.ts", recorder_path: "recorder.js", script_path: "sv.js"}
        self._files: dict[str, _File] = {}
        self.openings = (
            *(Opening(path, "none", "a script that every page loads; the same for all") for path in self._names),
            *(
                Opening(path, "project token", "every page of a site has it; it says what pages are to do")
                for path in _CONFIG_PATHS
            ),
        )

    def takes(self, path: str) -> bool:
        return path in self._names or path in _CONFIG_PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - bodies aren't read
        method = scope["method"]
        if method == "OPTIONS":
            await respond(send, 204, _PREFLIGHT, b"")
            return
        try:
            if method not in ("GET", "HEAD"):
                raise MethodNotAllowed(f"expected GET, got {method[:20]}")
            name = self._names.get(scope["path"])
            await (self._give_config(scope, send) if name is None else self._give_file(scope, send, name))
        except Exception as error:
            status, extra, body = error_answer(error)
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), ANY_ORIGIN]
            headers += [(name.encode(), value.encode()) for name, value in extra.items()]
            if isinstance(error, MethodNotAllowed):
                headers.append((b"allow", _ALLOW))
            await respond(send, status, headers, b"" if method == "HEAD" else body)

    # ---- What a project says ----

    async def _give_config(self, scope: Scope, send: Send) -> None:
        token = _token_of(scope["query_string"])
        project_id = self._project_of(token)
        project = None if project_id is None else await asyncio.to_thread(self._find_project, project_id)
        if project is None:
            raise unknown_project_token(token, "token")
        settings = read_project_settings(project.settings)
        body = msgspec.json.encode(
            ClientConfig(
                autocapture=settings.autocapture,
                respect_do_not_track=settings.respect_do_not_track,
                recording_sample_rate=settings.recording_sample_rate,
                mask_all_inputs=settings.mask_all_inputs,
                mask_all_text=settings.mask_all_text,
                script_path=self._script_path,
                recorder_path=self._recorder_path,
            )
        )
        headers = [(b"content-type", b"application/json"), ANY_ORIGIN, (b"cache-control", _CONFIG_CACHING)]
        await _give(scope, send, headers, body, _tag(body))

    # ---- Files ----

    async def _give_file(self, scope: Scope, send: Send, name: str) -> None:
        file = await self._file(name)
        is_zipped = b"gzip" in _header(scope, b"accept-encoding").lower()
        kind = b"text/javascript; charset=utf-8" if name.endswith(".js") else b"text/plain; charset=utf-8"
        headers = [(b"content-type", kind), (b"cache-control", _SCRIPT_CACHING), (b"vary", b"accept-encoding")]
        headers += [ANY_ORIGIN, _ANY_SITE]
        if is_zipped:
            headers.append((b"content-encoding", b"gzip"))
        await _give(scope, send, headers, file.zipped if is_zipped else file.plain, file.tag + ("-gz" if is_zipped else ""))

    async def _file(self, name: str) -> _File:
        try:
            mtime_ns = (self._folder / name).stat().st_mtime_ns
            found = self._files.get(name)
            if found is None or found.mtime_ns != mtime_ns:
                found = self._files[name] = await asyncio.to_thread(_read, self._folder / name, mtime_ns, self._base_path)
        except FileNotFoundError:
            raise NotFound(
                f"this build of the server has no {name}; send events with another client, or to /api/v1/ingest/events"
            ) from None
        return found


def _read(path: Path, mtime_ns: int, base_path: bytes) -> _File:
    plain = path.read_bytes().replace(BASE, base_path)
    return _File(mtime_ns, plain, gzip.compress(plain, 9, mtime=0), _tag(plain))


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _token_of(query: bytes) -> str:
    """The project token in a query string. Raises InvalidParameter."""
    found: str | None = None
    if len(query) > MAX_PARAMETER_CHARS:
        raise InvalidParameter(f"expected at most {MAX_PARAMETER_CHARS:,} characters of parameters, got {len(query):,} (token)")
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS)
    except ValueError:
        raise InvalidParameter(f"expected at most {MAX_QUERY_PARAMETERS} parameters, got more (token)") from None
    for name, value in pairs:
        if name != "token":
            raise InvalidParameter(f"{clip(name)}: unknown parameter; this route takes token")
        if found is not None:
            raise InvalidParameter("token: expected once, got it twice")
        found = value
    if not found:
        raise InvalidParameter("token: required: a project token")
    return found


async def _give(scope: Scope, send: Send, headers: list[tuple[bytes, bytes]], body: bytes, tag: str) -> None:
    """The answer, or 304 where the caller has it."""
    quoted = f'"{tag}"'
    headers.append((b"etag", quoted.encode()))
    known = [entry.strip().removeprefix("W/") for entry in _header(scope, b"if-none-match").decode("latin-1").split(",")]
    if quoted in known or "*" in known:
        await respond(send, 304, [header for header in headers if header[0] not in (b"content-type", b"content-encoding")], b"")
        return
    headers.append((b"content-length", b"%d" % len(body)))
    await respond(send, 200, headers, b"" if scope["method"] == "HEAD" else body)


def _header(scope: Scope, wanted: bytes) -> bytes:
    value: Any = next((value for name, value in scope["headers"] if name == wanted), b"")
    return bytes(value)
