"""API tokens: secret, scoped, for one project or for all. Only the SHA-256 of a secret ever comes here.

Answers for which token a hash stands for and whether it is good. A look-up by hash in an index takes a time that
depends on the hash, which tells nothing: nobody can aim at a hash without knowing the 240 random bits behind it.
"""

import threading
from collections.abc import Collection
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.db import Meta, Row
from sv.meta.errors import WriterBusy, is_taken
from sv.meta.ids import random_id
from sv.meta.names import checked_name
from sv.meta.paging import ANY_OF, json_list, read_page
from sv.meta.rows import columns, to_struct
from sv.model.access import Scope
from sv.model.calendar import iso_ms
from sv.model.errors import Conflict, NotFound, ValidationFailed
from sv.model.paging import PageQuery
from sv.model.validate import show

TOUCH_INTERVAL_MS: Final = 60_000
"""`last_used_ms` is right to a minute: enough to see which token is idle, and a write a minute at most."""

MAX_TOUCHED: Final = 10_000
"""Tokens whose last use is kept in memory. Beyond, the oldest is forgotten, and written a little more often."""


class ApiToken(Struct, frozen=True, kw_only=True):
    """prefix: the secret's first characters, to tell tokens apart by. project_id None: all projects.

    Times are Unix milliseconds; a token is good until it expires or is revoked, whichever comes first.
    """

    id: str
    name: str
    prefix: str
    scopes: frozenset[Scope]
    project_id: str | None
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None


_SELECT = f"select {columns(ApiToken, 't')} from api_tokens t"


class ApiTokens:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._lock = threading.Lock()
        self._touched: dict[str, int] = {}
        self._unwritten: dict[str, int] = {}

    def create(
        self,
        name: str,
        *,
        secret_hash: bytes,
        prefix: str,
        scopes: Collection[Scope],
        project_id: str | None,
        now_ms: int,
        expires_ms: int | None = None,
    ) -> ApiToken:
        """Keep a new token.

        Raises ValidationFailed for a name, scopes or an expiry that can't be, NotFound for an unknown project,
        Conflict for a secret that is known already.
        """
        name = checked_name(name)
        if not scopes:
            raise ValidationFailed.at("scopes", "expected at least one of read, write, admin, got none")
        if expires_ms is not None and expires_ms <= now_ms:
            raise ValidationFailed.at("expires_at", f"expected a time in the future, got {iso_ms(expires_ms)}")
        token_id = random_id()
        with self._meta.transaction() as writer:
            if project_id is not None:
                live = "select 1 from projects where id = ? and deleted_ms is null"
                if not writer.execute(live, (project_id,)).fetchall():
                    raise NotFound(f"no project {show(project_id)} (project_id)")
            try:
                writer.execute(
                    """
                    insert into api_tokens (id, name, hash, prefix, scopes, project_id, created_ms, expires_ms)
                    values (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                    (token_id, name, secret_hash, prefix, ",".join(sorted(scopes)), project_id, now_ms, expires_ms),
                )
            except apsw.ConstraintError as error:
                if is_taken(error):
                    raise Conflict("this API token exists already") from error
                raise
        return self.get(token_id)

    def find_live(self, secret_hash: bytes, now_ms: int) -> ApiToken | None:
        """The token with this SHA-256; None for one that is unknown, expired or revoked."""
        row = self._meta.row(
            f"{_SELECT} where t.hash = ? and t.revoked_ms is null and (t.expires_ms is null or t.expires_ms > ?)",
            secret_hash,
            now_ms,
        )
        return None if row is None else self._to_token(row)

    def get(self, token_id: str) -> ApiToken:
        """The token, good or not. Raises NotFound."""
        row = self._meta.row(f"{_SELECT} where t.id = ?", token_id)
        if row is None:
            raise NotFound(f"no API token {show(token_id)} (token_id)")
        return self._to_token(row)

    def list_all(self, project_id: str | None = None) -> list[ApiToken]:
        """Every token, good or not, newest first; with `project_id` only those for that project alone."""
        rows = self._meta.rows(f"{_SELECT} where ?1 is null or t.project_id = ?1 order by t.created_ms desc, t.id", project_id)
        return [self._to_token(row) for row in rows]

    def page(self, query: PageQuery, project_ids: Collection[str] | None = None) -> list[ApiToken]:
        """Tokens, good or not, newest first, and one more than the page has; with `project_ids` only those for one of these alone."""
        conditions = [] if project_ids is None else [(f"t.project_id in {ANY_OF}", json_list(project_ids))]
        rows = read_page(self._meta, _SELECT, conditions, query, ts="t.created_ms", id_column="t.id")
        return [self._to_token(row) for row in rows]

    def revoke(self, token_id: str, now_ms: int) -> None:
        """End a token at once. Raises NotFound for an unknown one; a second time changes nothing."""
        with self._meta.transaction() as writer:
            writer.execute("update api_tokens set revoked_ms = coalesce(revoked_ms, ?) where id = ?", (now_ms, token_id))
            if not writer.changes():
                raise NotFound(f"no API token {show(token_id)} (token_id)")

    def revive(self, secret_hash: bytes) -> bool:
        """Make a token good again that was revoked or has expired, from now on without an expiry. Returns whether there is such a token at
        all."""
        with self._meta.transaction() as writer:
            writer.execute("update api_tokens set revoked_ms = null, expires_ms = null where hash = ?", (secret_hash,))
            return writer.changes() > 0

    def touch(self, token_id: str, now_ms: int) -> bool:
        """Note that a token was used. No I/O, so an event loop may call it for every request. Returns whether `write_touches` is due (at
        most once a minute for each token), which is then to be called from a thread."""
        with self._lock:
            last_ms = self._touched.get(token_id)
            if last_ms is not None and 0 <= now_ms - last_ms < TOUCH_INTERVAL_MS:
                return False
            self._touched.pop(token_id, None)
            if len(self._touched) >= MAX_TOUCHED:
                self._touched.pop(next(iter(self._touched)))
            self._touched[token_id] = now_ms
            self._unwritten[token_id] = now_ms
            return True

    def write_touches(self) -> None:
        """Write what `touch` noted, in one transaction. Raises Unavailable; the uses are then kept for the next call.

        Doesn't wait for who else writes: the next use of each token is due then, however soon it comes.
        """
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
        if not unwritten:
            return
        try:
            # Not synced: to forget the last minute of this in a power cut costs nobody anything.
            with self._meta.transaction(durable=False, waits=False) as writer:
                writer.executemany(
                    "update api_tokens set last_used_ms = max(coalesce(last_used_ms, 0), ?) where id = ?",
                    [(used_ms, token_id) for token_id, used_ms in unwritten.items()],
                )
        except WriterBusy:
            with self._lock:
                self._unwritten = unwritten | self._unwritten
                for token_id in unwritten:
                    self._touched.pop(token_id, None)
        except BaseException:
            with self._lock:
                self._unwritten = unwritten | self._unwritten
            raise

    def _to_token(self, row: Row) -> ApiToken:
        return to_struct(ApiToken, row, scopes=str(row[3]).split(","))
