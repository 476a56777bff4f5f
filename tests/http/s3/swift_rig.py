"""OpenStack Swift with its S3 interface, from the system's packages, as processes of its own: a store that checks every signature.

Swift's servers keep what they store in extended attributes, in a folder of the test's own.
"""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

KINDS = ("account", "container", "object")
SERVERS = tuple(f"swift-{kind}-server" for kind in (*KINDS, "proxy"))
ACCESS_KEY, SECRET_KEY = "test:tester", "testing"
REGION = "us-east-1"
START_S = 60.0

STORAGE = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
# The cache has to be named, and need not be there: what Swift can't look up in it, it asks its own servers for.
PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:s3api]
use = egg:swift#s3api
location = {region}
allow_multipart_uploads = false
auth_pipeline_check = false
check_bucket_owner = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
"""


def missing() -> list[str]:
    """Which of Swift's servers aren't installed here."""
    return [name for name in SERVERS if shutil.which(name) is None]


@contextlib.contextmanager
def swift(folder: Path) -> Iterator[str]:
    """The address of its S3, for the block."""
    (folder / "devices" / "d1").mkdir(parents=True)
    ports = free_ports(5)
    for kind, port in zip(KINDS, ports, strict=False):
        (folder / f"{kind}.conf").write_text(STORAGE.format(kind=kind, port=port, folder=folder))
        builder = ["swift-ring-builder", str(folder / f"{kind}.builder")]
        for words in (["create", "1", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            subprocess.run([*builder, *words], check=True, capture_output=True)
    (folder / "proxy.conf").write_text(PROXY.format(port=ports[3], folder=folder, region=REGION, cache_port=ports[4]))
    with contextlib.ExitStack() as running:
        for kind in (*KINDS, "proxy"):
            running.enter_context(served(kind, folder))
        for port in ports[:4]:
            wait_for(lambda port=port: answers(port), f"the server on port {port} to answer", START_S)
        yield f"http://127.0.0.1:{ports[3]}"


@contextlib.contextmanager
def served(kind: str, folder: Path) -> Iterator[None]:
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen([f"swift-{kind}-server", str(folder / f"{kind}.conf"), "--verbose"], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether requests are answered there, if only by a refusal."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    except httpx.TransportError:
        return False
    return True
