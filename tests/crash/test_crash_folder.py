"""One server a folder: a second one fails at once and says why."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import ROOT, Server, dated

AT_ONCE_S = 1.0
"""On an idle machine it takes 0.2 s, the interpreter's start included."""

TRIES = 3
"""The quickest counts: what other tests take of the machine meanwhile is not the server's."""

PATIENCE_S = 30.0


UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""Before a program, which then may read and write what its user may, also where that is root."""

FLUSHED = "events/project=shop/day=2025-01-31/flush-1.parquet"


def sv(*words: str, program: Sequence[str] = (sys.executable, "-m", "sv")) -> tuple[int, str, float]:
    """Run a command to its end: exit code, standard error, and seconds from the start of the process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    started = time.monotonic()
    done = subprocess.run(
        [*program, *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    return done.returncode, done.stderr, time.monotonic() - started


@pytest.mark.parametrize("command", ["dev", "serve"])
@pytest.mark.parametrize("port", ["0", "the same"])
def test_a_second_server_on_the_folder_ends_within_a_second_and_names_the_holder(serve: Serve, command: str, port: str) -> None:
    server = serve().start()
    chosen = "0" if port == "0" else str(server.port)
    quickest_s = PATIENCE_S
    for _ in range(TRIES):
        code, said, seconds = sv(command, "--data", str(server.folder), "--port", chosen)
        assert code == 1
        assert f"process {server.process.pid} " in said
        assert f"http://127.0.0.1:{server.port}" in said
        assert str(server.folder) in said
        assert said.count("\n") == 1, "a line for a person, and no trace"
        quickest_s = min(quickest_s, seconds)
        if quickest_s < AT_ONCE_S:
            break
    assert quickest_s < AT_ONCE_S
    server.store(dated("unharmed"))
    assert server.total() == 1


def test_the_lock_ends_with_the_process_however_that_ends(serve: Serve) -> None:
    server = serve().start()
    server.kill()
    other = serve()
    assert other.start().total() == 0


def test_a_port_that_is_taken_is_named_in_one_line(serve: Serve, tmp_path: Path) -> None:
    server = serve().start()
    code, said, _ = sv("dev", "--data", str(tmp_path / "other"), "--port", str(server.port))
    assert code == 1
    assert f"127.0.0.1:{server.port}" in said
    assert "--port" in said
    assert said.count("\n") == 1


def test_a_folder_of_serve_is_not_opened_with_credentials_that_everybody_knows(serve: Serve) -> None:
    server = serve(command="serve").start()
    assert server.stop() == 0
    code, said, _ = sv("dev", "--data", str(server.folder), "--port", "0")
    assert code == 1
    assert "sv serve" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("limit", "is_told"), [("256MiB", True), ("512MiB", False)])
def test_a_limit_of_memory_that_may_not_hold_is_told_of(serve: Serve, limit: str, is_told: bool) -> None:
    server = serve(command="serve", SV_MEMORY_LIMIT=limit).start()
    assert server.stop() == 0
    assert ("memory_limit is 256 MiB: with less than 512 the server may take more than that" in server.log) is is_told


def test_a_folder_of_dev_is_not_served_to_everybody(serve: Serve) -> None:
    server = serve().start()
    assert server.stop() == 0
    code, said, _ = sv("serve", "--data", str(server.folder), "--port", "0")
    assert code == 1
    assert "sv dev" in said
    assert said.count("\n") == 1


def test_a_folder_that_may_not_be_written_is_refused_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory(prefix="sv-others-") as name:
        folder = Path(name) / "others"
        Path(name).chmod(0o755)
        folder.mkdir(mode=0o555)
        code, said, _ = sv("serve", "--data", str(folder), "--port", "0", program=[*UNPRIVILEGED, sys.executable, "-m", "sv"])
    assert code == 1
    assert str(folder) in said
    assert f"user {os.geteuid()}" in said
    assert "chown" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("user", "list"),
        ("token", "list"),
        ("check",),
        ("backup", "{copy}"),
        ("sql", "select 1"),
        ("compact",),
        ("export", "--project", "shop", "--output", "{copy}.ndjson"),
        ("tail",),
        ("rejections",),
    ],
    ids=" ".join,
)
def test_a_folder_that_may_not_be_entered_is_told_from_one_that_is_not_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder, copy = tmp_path / "others", tmp_path / "copy"
    folder.mkdir()
    (folder / "sv.db").write_bytes(b"not for everybody")
    folder.chmod(0o000)
    try:
        asked = [word.format(copy=copy) for word in words]
        code, said, _ = sv(*asked, "--data", str(folder), program=[*UNPRIVILEGED, sys.executable, "-m", "sv"])
    finally:
        folder.chmod(0o700)
    assert code == 1
    assert said == (
        f"sv: the data folder {folder} can't be looked into by user {os.geteuid()}: Permission denied. "
        "Be the user that the server runs as, or choose another folder with --data\n"
    )
    assert not copy.exists()


@pytest.mark.parametrize("closed", ["log", "events", "events/project=shop/day=2025-01-31", FLUSHED])
def test_what_of_a_folder_may_not_be_read_is_no_reason_to_repair_without_it(tmp_path: Path, closed: str) -> None:
    folder = tmp_path / "data"
    for made in (folder / FLUSHED, folder / "log"):
        made.parent.mkdir(parents=True, exist_ok=True)
    (folder / "log").mkdir()
    (folder / FLUSHED).write_bytes(b"PAR1")
    mode = (folder / closed).stat().st_mode
    (folder / closed).chmod(0o000)
    try:
        said = [
            sv(*words, "--data", str(folder), program=[*UNPRIVILEGED, sys.executable, "-m", "sv"])
            for words in (("check", "--repair"), ("serve", "--port", "0"))[: 1 if closed in ("log", FLUSHED) else 2]
        ]
    finally:
        (folder / closed).chmod(mode)
    assert {code for code, _, _ in said} == {1}
    assert not [line for _, line, _ in said if "Traceback" in line]
    assert f"{folder} can't be looked over by user {os.geteuid()}: Permission denied ({folder / closed}" in said[0][1]
    assert all("Be the user that the server runs as" in line for _, line, _ in said)
    assert not (folder / "sv.db").exists()
    assert (folder / FLUSHED).exists() or closed == "log"


@pytest.mark.parametrize("words", [("user", "list"), ("backup", "{copy}"), ("sql", "select 1")], ids=" ".join)
def test_a_folder_that_may_only_be_read_is_told_of_with_what_to_do(serve: Serve, tmp_path: Path, words: tuple[str, ...]) -> None:
    server = serve().start()
    assert server.stop() == 0
    server.folder.chmod(0o555)
    try:
        asked = [word.format(copy=tmp_path / "copy") for word in words]
        code, said, _ = sv(*asked, "--data", str(server.folder), program=[*UNPRIVILEGED, sys.executable, "-m", "sv"])
    finally:
        server.folder.chmod(0o700)
    assert code == 1
    assert f"to write to {server.folder}: be the user that the server runs as, on a disk that takes writes" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("written", [None, b"", b"no database"])
def test_a_database_of_addresses_that_is_none_is_named_in_one_line(tmp_path: Path, written: bytes | None) -> None:
    database = tmp_path / "geo.mmdb"
    if written is not None:
        database.write_bytes(written)
    code, said, _ = sv("serve", "--data", str(tmp_path / "data"), "--port", "0", "--geoip-db", str(database))
    assert code == 1
    assert said.startswith(f"sv: the IP database {database} ")
    assert "SV_GEOIP_DB" in said
    assert said.count("\n") == 1


def test_event_files_that_may_not_be_read_stop_the_start_and_are_not_taken_for_damaged(serve: Serve, tmp_path: Path) -> None:
    server = serve().start()
    server.store(dated("kept"))
    assert server.stop() == 0
    part = next((server.folder / "events").rglob("*.parquet"))
    part.rename(part.with_suffix(".there"))
    part.symlink_to(part)  # a loop: it can't be opened, whoever asks
    code, said, _ = sv("dev", "--data", str(server.folder), "--port", "0")
    assert code == 1
    assert str(part) in said
    assert said.count("\n") == 1
    part.unlink()
    part.with_suffix(".there").rename(part)
    assert server.start().total() == 1


def test_event_files_without_their_catalog_are_not_served_as_an_empty_folder(serve: Serve) -> None:
    server: Server = serve().start()
    server.store(dated("kept"))
    assert server.stop() == 0
    for path in server.folder.glob("sv.db*"):
        path.rename(path.with_name("away-" + path.name))
    code, said, _ = sv("dev", "--data", str(server.folder), "--port", "0")
    assert code == 1
    assert "sv.db" in said
    assert said.count("\n") == 1
    for path in server.folder.glob("away-*"):
        path.rename(path.with_name(path.name.removeprefix("away-")))
    assert server.start().total() == 1
