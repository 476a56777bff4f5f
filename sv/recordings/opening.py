"""Which object store a server's settings mean, and recordings over it. Called by `server.py` once; nothing else chooses."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.instance import load_url_secret
from sv.meta.recordings import RecordingChunks
from sv.objects.folder import FolderStore
from sv.objects.port import ObjectStore
from sv.objects.signing import UrlSigner
from sv.recordings.keeper import Keeper
from sv.recordings.recordings import Recordings
from sv.settings import Settings
from sv.settings.about import S3Addressing

OBJECTS_FOLDER: Final = "objects"
LOOK_FOLDER_S: Final = 60.0
"""Between rounds over the own folder, which tells of uploads by itself: what is left are lapsed promises, and remains of crashes."""

LOOK_BUCKET_S: Final = 5.0
"""Between rounds over a bucket, which tells nothing. A round in which nothing is due is one look-up in an index."""


class Opened(Struct, frozen=True):
    """own: the store, if it is a folder of the server's own; None with S3. elsewhere: S3's origin, from which browsers fetch chunks."""

    recordings: Recordings
    keeper: Keeper
    own: FolderStore | None
    signer: UrlSigner
    elsewhere: str | None


def open_recordings(settings: Settings, meta: Meta, now_ms: Callable[[], int]) -> Opened:
    """Recordings in the folder or the bucket that the settings name. Clears away what dead uploads left half written."""
    signer = UrlSigner(load_url_secret(meta))
    own: FolderStore | None = None
    store: ObjectStore
    elsewhere: str | None = None
    if settings.s3_bucket is None:
        store = own = FolderStore(settings.data / OBJECTS_FOLDER, signer)
        own.sweep()
    else:
        store, elsewhere = _open_bucket(settings, settings.s3_bucket)
    recordings = Recordings(
        RecordingChunks(meta), store, is_told=own is not None, max_bytes=settings.recordings_limit, now_ms=now_ms
    )
    keeper = Keeper(recordings.settle, LOOK_BUCKET_S if own is None else LOOK_FOLDER_S)
    return Opened(recordings, keeper, own, signer, elsewhere)


def _open_bucket(settings: Settings, name: str) -> tuple[ObjectStore, str]:
    """The store, and the origin of its URLs."""
    from sv.objects.s3 import Bucket, S3Store
    from sv.objects.sigv4 import Credentials

    access_key, secret_key = settings.s3_access_key, settings.s3_secret_key
    assert access_key is not None  # `sv.settings.loading` lets no bucket in without both
    assert secret_key is not None
    is_path_style = settings.s3_addressing is S3Addressing.PATH
    if settings.s3_addressing is S3Addressing.AUTO:
        is_path_style = settings.s3_endpoint is not None
    credentials = Credentials(access_key.reveal(), secret_key.reveal(), settings.s3_region)
    bucket = Bucket(name, credentials, settings.s3_endpoint, is_path_style)
    return S3Store(bucket), bucket.base()[0]
