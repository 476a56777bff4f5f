"""Which project a project token writes to, asked for every request of ingest: from memory, but for a token that isn't known there."""

from collections.abc import Callable
from typing import Final

from sv.meta.project_tokens import ProjectTokens

TOKENS_GOOD_MS: Final = 2000
"""How long ingest goes by the project tokens that it read last: one revoked by another process is good for so long."""


class LiveTokens:
    """Thread-safe: what is read takes its place as a whole. Tokens are read again every other second, since `sv project` changes them from
    outside."""

    def __init__(self, tokens: ProjectTokens, now_ms: Callable[[], int]) -> None:
        self._tokens = tokens
        self._now_ms = now_ms
        self._read(now_ms())

    def project_of(self, token: str) -> str | None:
        """The project of a live project token.

        An unknown one is looked up at once: to refuse a token that was made a moment ago would lose its events.
        """
        now = self._now_ms()
        if not self._read_ms <= now < self._read_ms + TOKENS_GOOD_MS or self._known.version != self._tokens.version:
            self._read(now)
        return self._known.projects.get(token) or self._tokens.resolve_project_token(token, now)

    def _read(self, now: int) -> None:
        self._known = self._tokens.all_project_tokens(now)
        self._read_ms = now
