"""What this data folder is, and settings that belong to it rather than to a process."""

import secrets
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.errors import FolderFromNewerVersion
from sv.meta.ids import Choose, random_id
from sv.meta.rows import columns, to_struct

LAYOUT_VERSION: Final = 1
"""Of everything in the folder that is not `sv.db`: where files lie, how they are named."""

ID_SALT_BITS: Final = 20

URL_SECRET_BYTES: Final = 32
CREDENTIALS_SHOWN: Final = "credentials_shown"
"""The key of whether somebody knows what the first start made: `false` from when that is made, `true` from when it was shown or used."""

_URL_SECRET: Final = "url_secret"  # noqa: S105 - the name it is kept under


class Instance(Struct, frozen=True, kw_only=True):
    """Made at the first start and never changed.

    folder_id: random, the same in every backup of the folder. id_salt: 20 random bits, which make the ids of events
    differ between folders that count alike. created_ms: Unix milliseconds.
    """

    folder_id: str
    layout_version: int
    id_salt: int
    created_ms: int


_SELECT = f"select {columns(Instance)} from instance"


def has_instance(meta: Meta) -> bool:
    """Whether the folder was opened before, as far as this file knows."""
    return meta.row("select 1 from instance") is not None


def load_instance(
    meta: Meta,
    now_ms: int,
    *,
    choose: Choose = secrets.choice,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> Instance:
    """What the folder is; at the first call in its life, made up.

    Raises FolderFromNewerVersion for a layout that this release doesn't know.
    """
    row = meta.row(_SELECT)
    if row is None:
        with meta.transaction() as writer:
            writer.execute(
                """
                insert into instance (only_row, folder_id, layout_version, id_salt, created_ms)
                values (1, ?, ?, ?, ?)
                on conflict do nothing
                """,
                (random_id(choose), LAYOUT_VERSION, random_bits(ID_SALT_BITS), now_ms),
            )
        row = meta.row(_SELECT)
        assert row is not None
    instance = to_struct(Instance, row)
    if instance.layout_version > LAYOUT_VERSION:
        raise FolderFromNewerVersion(
            f"{meta.path.parent} was laid out by a newer release (layout {instance.layout_version}, this release"
            f" knows {LAYOUT_VERSION}). Install that release again; nothing was changed"
        )
    return instance


class Settings:
    """Named values of the folder, each any JSON text."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def get(self, key: str) -> str | None:
        """The JSON text kept under `key`, or None."""
        row = self._meta.row("select value from settings where key = ?", key)
        return None if row is None else str(row[0])

    def put(self, key: str, value: str) -> None:
        """Keep JSON text under `key`, in the place of what was there."""
        with self._meta.transaction() as writer:
            writer.execute(
                """
                insert into settings (key, value)
                values (?, ?)
                on conflict (key) do update set value = excluded.value
                """,
                (key, value),
            )


def load_url_secret(meta: Meta, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """32 random bytes that sign this server's own URLs, made at the first start. In `sv.db` alone, which only its owner can read."""
    settings = Settings(meta)
    kept = settings.get(_URL_SECRET)
    if kept is None:
        kept = f'"{random_bytes(URL_SECRET_BYTES).hex()}"'
        settings.put(_URL_SECRET, kept)
    return bytes.fromhex(kept.strip('"'))


def note_in_use(meta: Meta) -> None:
    """Note that somebody was let in, so that the credentials of a first start count as known to somebody. For a transaction of the
    caller."""
    with meta.transaction() as writer:
        writer.execute("update settings set value = 'true' where key = ? and value = 'false'", (CREDENTIALS_SHOWN,))
