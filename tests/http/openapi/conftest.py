"""Credentials of every kind, in the folder of the server under test."""

import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from http_rig import Running

from sv.auth.tokens import make_api_token, make_project_token
from sv.meta.api_tokens import ApiTokens
from sv.meta.db import Meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.model.access import Scope
from tests.http.openapi.cookies_rig import Cookies
from tests.http.openapi.openapi_rig import OutOfTime

OTHER_PROJECT = "other"
HOUR_MS = 3_600_000


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    try:
        return (yield)
    except OutOfTime:
        return True


@pytest.fixture(scope="session")
def tokens(server: Running) -> dict[str, str]:
    """Secrets by what is to be said of them. A running server sees them at its next request."""
    now_ms = int(time.time() * 1000)
    with Meta.open(Path(server.ready["data"]) / "sv.db") as meta:
        Projects(meta, ProjectTokens(meta)).create("Other", token=make_project_token(), now_ms=now_ms, project_id=OTHER_PROJECT)
        kept = ApiTokens(meta)

        def make(
            name: str, *scopes: Scope, project_id: str | None = "dev", lasts_ms: int | None = None, made_ms: int = now_ms
        ) -> str:
            made = make_api_token()
            token = kept.create(
                name,
                secret_hash=made.hash,
                prefix=made.prefix,
                scopes=scopes,
                project_id=project_id,
                now_ms=made_ms,
                expires_ms=None if lasts_ms is None else made_ms + lasts_ms,
            )
            if name == "revoked":
                kept.revoke(token.id, now_ms)
            return made.secret

        return {
            "read": make("read", Scope.READ),
            "write": make("write", Scope.WRITE),
            "admin": make("admin", Scope.ADMIN),
            "read all projects": make("read all projects", Scope.READ, project_id=None),
            "write all projects": make("write all projects", Scope.WRITE, project_id=None),
            "admin of all projects": make("admin of all projects", Scope.ADMIN, project_id=None),
            "for another project": make("for another project", Scope.ADMIN, project_id=OTHER_PROJECT),
            "expiring": make("expiring", Scope.ADMIN, project_id=None, lasts_ms=HOUR_MS),
            "expired": make("expired", Scope.ADMIN, project_id=None, lasts_ms=HOUR_MS, made_ms=now_ms - 2 * HOUR_MS),
            "revoked": make("revoked", Scope.ADMIN, project_id=None),
        }


@pytest.fixture(scope="session")
def cookies(server: Running, tokens: dict[str, str]) -> Iterator[Cookies]:
    """Login sessions of users with every part that there is."""
    assert tokens  # which makes the other project
    with Meta.open(Path(server.ready["data"]) / "sv.db") as meta:
        yield Cookies(meta, int(time.time() * 1000))
