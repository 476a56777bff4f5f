"""These tests speak to OpenStack Swift, from the system's packages. Where those are missing there is nothing here to run, and that is said."""

import time
from collections.abc import Iterator

import httpx
import pytest
from swift_rig import ACCESS_KEY, REGION, SECRET_KEY, missing, swift

from sv.objects.s3 import Bucket, S3Store
from sv.objects.sigv4 import Credentials, presign

BUCKET = "recordings"
collect_ignore_glob = ["test_*.py"] if missing() else []


def pytest_report_collectionfinish() -> str | None:
    if not missing():
        return None
    return f"tests/http/s3 left out: {', '.join(missing())} not installed (.ci/install-system-packages installs them)"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with swift(tmp_path_factory.mktemp("swift")) as found:
        yield found


@pytest.fixture(scope="session")
def bucket(address: str) -> Bucket:
    """An empty bucket."""
    credentials = Credentials(ACCESS_KEY, SECRET_KEY, REGION)
    now_ms = time.time_ns() // 1_000_000
    url = presign("PUT", address, f"/{BUCKET}", query={}, headers={}, credentials=credentials, expires_s=60, now_ms=now_ms)
    answer = httpx.put(url, trust_env=False)
    assert answer.status_code == 200, answer.text
    return Bucket(BUCKET, credentials, address, is_path_style=True)


@pytest.fixture
def store(bucket: Bucket) -> Iterator[S3Store]:
    opened = S3Store(bucket)
    yield opened
    opened.delete(opened.list("recordings"))
