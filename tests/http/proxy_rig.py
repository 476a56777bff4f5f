"""A proxy in front of a server, configured as `docs/proxy.md` shows it: only addresses, ports and names of files are put in."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.http.http_rig import Running, running

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "proxy.md"
START_S: Final = 30.0
STOP_S: Final = 10.0
AROUND_NGINX: Final = """
daemon off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
{shown}
}}
"""
AROUND_CADDY: Final = """
{{
    admin off
    auto_https disable_redirects
    storage file_system {folder}/caddy
}}
{shown}
"""


class Proxied(NamedTuple):
    """url: where the proxy has the server. server: what it is in front of."""

    url: str
    server: Running


def example(name: str) -> str:
    """The configuration that the page shows."""
    found = re.search(rf"<!-- proxy-example: {name} -->\n```[a-z]+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def behind_nginx(folder: Path, *, takes_path_off: bool = False) -> Iterator[Proxied]:
    """A server below `/stats/` of nginx, over TLS. takes_path_off: the server is asked without it."""
    port, certificate, key = _free_port(), *_certified(folder)
    with _below_stats() as server:
        shown = _put_in(
            example("nginx"),
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("server_name example.com", "server_name localhost"),
            ("/etc/ssl/example.com.pem", str(certificate)),
            ("/etc/ssl/example.com.key", str(key)),
            ("http://127.0.0.1:8000", server.url.removesuffix("/stats") + ("/" if takes_path_off else "")),
        )
        file = folder / "nginx.conf"
        file.write_text(AROUND_NGINX.format(folder=folder, shown=shown))
        with _started([_command("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(file)], port, folder):
            yield Proxied(f"https://localhost:{port}/stats", server)


@contextmanager
def behind_caddy(folder: Path) -> Iterator[Proxied]:
    """A server below `/stats/` of Caddy, over TLS by a certificate of ours, since nobody gives it one here."""
    port, certificate, key = _free_port(), *_certified(folder)
    with _below_stats() as server:
        shown = _put_in(
            example("caddy"),
            ("example.com {", f"https://localhost:{port} {{\n    tls {certificate} {key}"),
            ("127.0.0.1:8000", server.url.removeprefix("http://").removesuffix("/stats")),
        )
        file = folder / "Caddyfile"
        file.write_text(AROUND_CADDY.format(folder=folder, shown=shown))
        with _started([_command("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"], port, folder):
            yield Proxied(f"https://localhost:{port}/stats", server)


@contextmanager
def _below_stats() -> Iterator[Running]:
    with running("dev", environment={"SV_BASE_PATH": "/stats", "SV_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        yield server


def _put_in(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, f"the example has no {old!r} any more"
        text = text.replace(old, new)
    return text


def _command(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found is not None, f"these tests need {name}: .ci/install-system-packages"
    return found


def _certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` that nobody vouches for, and its key."""
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    words = [
        _command("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True, timeout=START_S)
    return certificate, key


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _started(words: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """The proxy as a process of ours, once it takes connections."""
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + START_S
        while not _takes_connections(port):
            assert process.poll() is None and time.monotonic() < give_up, (folder / "proxy.log").read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
