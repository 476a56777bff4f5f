"""Settings: where a value comes from, what it may be, and everything that is wrong at once."""

import argparse
import pickle
from pathlib import Path

import msgspec
import pytest

from sv.settings import (
    BadSettings,
    Secret,
    Settings,
    add_flags,
    describe,
    in_force,
    load,
    load_with_sources,
    mistyped_variables,
    table,
    unknown_variables,
)
from sv.settings.about import LogFormat, LogLevel
from sv.settings.definition import definitions
from sv.settings.machine import cores_allowed, memory_allowed

GIB = 2**30


def flags(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser)
    return parser.parse_args(words)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "sv.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ---- One definition ----


def test_without_flags_variables_or_a_file_everything_has_its_default() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert (settings.data, settings.host, settings.port) == (Path("data"), "127.0.0.1", 8000)
    assert (settings.flush_seconds, settings.flush_events) == (10.0, 100_000)
    assert (settings.retry_window_seconds, settings.event_id_window_seconds) == (600, 86_400)
    assert (settings.query_timeout_seconds, settings.query_wait_seconds) == (60.0, 30.0)
    assert (settings.log_level, settings.log_format) == (LogLevel.INFO, LogFormat.TEXT)
    assert (settings.trusted_proxies, settings.geoip_db, settings.s3_bucket) == ((), None, None)
    assert settings.memory_limit == memory_allowed() // 2
    assert settings.threads == cores_allowed()


@pytest.mark.parametrize(
    ("public_url", "base_path", "expected"),
    [
        ("https://a.example/stats/", None, ("https://a.example/stats", "/stats")),
        ("http://a/b/c", None, ("http://a/b/c", "/b/c")),
        ("https://a.example", "/stats/", ("https://a.example/stats", "/stats")),
        ("https://a.example/stats", "/stats", ("https://a.example/stats", "/stats")),
        ("https://a.example", None, ("https://a.example", "")),
        (None, "/apis", (None, "/apis")),
        (None, "/", (None, "")),
    ],
)
def test_the_public_address_ends_in_the_base_path_whichever_of_the_two_was_set(
    public_url: str | None, base_path: str | None, expected: tuple[str | None, str]
) -> None:
    env = {"SV_PUBLIC_URL": public_url or "", "SV_BASE_PATH": base_path or ""}
    settings = load(None, env)
    assert (settings.public_url, settings.base_path) == expected


@pytest.mark.parametrize(
    ("env", "begins"),
    [
        (
            {"SV_PUBLIC_URL": "https://a.example/stats", "SV_BASE_PATH": "/other"},
            "base_path (SV_BASE_PATH): expected the path of public_url",
        ),
        ({"SV_PUBLIC_URL": "https://a.example/a//b"}, "public_url (SV_PUBLIC_URL): expected a path that base_path can be"),
        ({"SV_PUBLIC_URL": "https://a.example/api"}, "public_url (SV_PUBLIC_URL): expected a path that base_path can be"),
        ({"SV_BASE_PATH": "/s", "SV_SCRIPT_PATH": "/s/x.js"}, "script_path (SV_SCRIPT_PATH): expected a path without base_path"),
    ],
)
def test_a_base_path_that_contradicts_something_is_refused_by_both_names(env: dict[str, str], begins: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load(None, env)
    (problem,) = caught.value.problems
    assert problem.startswith(begins)


@pytest.mark.parametrize(("threads", "queries"), [(1, 2), (2, 2), (5, 2), (6, 3), (16, 8), (64, 8)])
def test_how_many_queries_run_at_once_follows_the_threads_unless_it_is_set(threads: int, queries: int) -> None:
    assert Settings(threads=threads).max_concurrent_queries == queries
    assert Settings(threads=threads, max_concurrent_queries=1).max_concurrent_queries == 1


def test_every_field_is_a_flag_a_variable_and_a_row_with_a_reason() -> None:
    rows = {row.name: row for row in describe()}
    assert list(rows) == list(Settings.__struct_fields__)
    assert rows["flush_seconds"].flag == "--flush-seconds"
    assert rows["flush_seconds"].variable == "SV_FLUSH_SECONDS"
    assert (rows["flush_seconds"].default, rows["flush_seconds"].unit) == ("10", "seconds")
    assert rows["memory_limit"].default.startswith("50%")
    for row in rows.values():
        assert row.why.endswith(".")
        assert row.accepts
    for setting in definitions():
        if setting.name.endswith("_seconds"):
            assert setting.about.unit == "seconds"


def test_defaults_are_of_the_kind_that_they_stand_for() -> None:
    settings = Settings()
    for setting in definitions():
        value = getattr(settings, setting.name)
        if value is None or value == ():
            continue
        text = value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        assert setting.about.kind.parse(text) == value


def test_derived_limits_follow_the_memory_limit_unless_they_are_set() -> None:
    assert Settings(memory_limit=GIB).buffer_limit == 212 * 2**20
    assert Settings(memory_limit=GIB).flush_bytes == 64 * 2**20
    assert Settings(memory_limit=64 * 2**20).buffer_limit == 16 * 2**20
    assert Settings(memory_limit=64 * 2**20).flush_bytes == 8 * 2**20
    assert Settings(memory_limit=100 * GIB).buffer_limit == GIB
    assert Settings(memory_limit=GIB, buffer_limit=5, flush_bytes=3).buffer_limit == 5


def test_a_command_line_may_have_some_flags_only_and_no_invented_ones() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, ["data", "port"])
    assert load(parser.parse_args(["--port", "1"]), {"SV_HOST": "::1"}).host == "::1"
    assert parser.parse_known_args(["--host=x"])[1] == ["--host=x"]
    with pytest.raises(KeyError, match="prot"):
        add_flags(parser, ["prot"])


def test_help_names_the_default_and_the_variable() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    text = " ".join(parser.format_help().split())
    assert "(seconds) [default: 600; SV_RETRY_WINDOW_SECONDS]" in text
    assert "50% of the memory" in text


# ---- Where a value comes from ----


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(tmp_path: Path) -> None:
    path = written(tmp_path, "port = 1\nhost = 'file'\nthreads = 3\n")
    env = {"SV_PORT": "2", "SV_HOST": "env"}
    loaded = load_with_sources(flags("--port", "3"), env, path)
    found = loaded.settings
    assert (found.port, found.host, found.threads, found.flush_events) == (3, "env", 3, 100_000)
    assert loaded.sources["port"] == "--port"
    assert loaded.sources["host"] == "SV_HOST"
    assert loaded.sources["threads"] == f"{path} line 3 (threads)"
    assert loaded.sources["flush_events"] == "default"


def test_the_file_is_named_by_a_flag_or_a_variable(tmp_path: Path) -> None:
    path = written(tmp_path, "port = 1")
    assert load(flags("--config", str(path)), {}).port == 1
    assert load(None, {"SV_CONFIG": str(path)}).port == 1
    assert load(flags("--config", str(path)), {"SV_CONFIG": "/nowhere"}).port == 1
    assert load(None, {"SV_CONFIG": ""}).port == 8000


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert load(None, {"SV_PORT": "", "SV_GEOIP_DB": ""}, written(tmp_path, "port = 7")).port == 7


def test_variables_that_nothing_reads_are_listed() -> None:
    env = {"SV_PORT": "1", "SV_CONFIG": "x", "SV_FLUSH_SECOND": "1", "SV_API_TOKEN": "t", "PATH": "/bin"}
    assert unknown_variables(env) == ["SV_API_TOKEN", "SV_FLUSH_SECOND"]
    assert unknown_variables(env, also=["SV_API_TOKEN"]) == ["SV_FLUSH_SECOND"]


def test_of_variables_that_look_like_a_setting_s_it_is_said_what_was_meant() -> None:
    env = {
        "SV_PORTT": "9",
        "SV_FLUSH_SECOND": "1",
        "SV_DATAA": "",
        "SV_ZZZ": "1",
        "SV_API_TOKEN": "t",
        "SV_PORT": "1",
        "PORTT": "1",
    }
    assert mistyped_variables(env, ["SV_API_TOKEN"]) == [
        "SV_FLUSH_SECOND: no such setting; did you mean SV_FLUSH_SECONDS?",
        "SV_PORTT: no such setting; did you mean SV_PORT?",
    ]


# ---- What a value may be ----

GOOD: list[tuple[str, str, object]] = [
    ("data", "/var/lib/sv", Path("/var/lib/sv")),
    ("data", "~", Path.home()),
    ("host", "::1", "::1"),
    ("host", "fe80::1%eth0", "fe80::1%eth0"),
    ("port", "0", 0),
    ("port", " 65535 ", 65535),
    ("flush_seconds", "0.3", 0.3),
    ("flush_seconds", "3600", 3600.0),
    ("flush_bytes", "1MB", 1_000_000),
    ("flush_bytes", "1MiB", 1_048_576),
    ("flush_bytes", "1.5 mib", 1_572_864),
    ("flush_bytes", "2M", 2_097_152),
    ("flush_bytes", "100000B", 100_000),
    ("flush_bytes", "100000", 100_000),
    ("memory_limit", "2g", 2 * GIB),
    ("memory_limit", "100%", max(memory_allowed(), 64 * 2**20)),
    ("memory_limit", "0.1%", max(memory_allowed() // 1000, 64 * 2**20)),
    ("compact_seconds", "0", 0.0),
    ("retry_window_seconds", "0", 0),
    ("trusted_proxies", "10.0.0.0/8, ::1,192.0.2.7", ("10.0.0.0/8", "::1/128", "192.0.2.7/32")),
    ("geoip_db", "/usr/share/GeoIP/GeoLite2-Country.mmdb", Path("/usr/share/GeoIP/GeoLite2-Country.mmdb")),
    ("log_level", "WARNING", LogLevel.WARNING),
    ("log_format", "json", LogFormat.JSON),
    ("public_url", "https://stats.example.com/sv/", "https://stats.example.com/sv"),
    ("public_url", "http://[::1]:8000", "http://[::1]:8000"),
    ("first_project_token", "sv_pub_" + "a-Z_9" * 4, "sv_pub_" + "a-Z_9" * 4),
    ("first_api_token", "sv_" + "a-Z_9" * 8, Secret("sv_" + "a-Z_9" * 8)),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_text_is_read_by_the_settings_kind(name: str, text: str, value: object) -> None:
    assert getattr(load(None, {f"SV_{name.upper()}": text}), name) == value


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("port = 9000", "port", 9000),
        ('port = "9000"', "port", 9000),
        ("flush_seconds = 2", "flush_seconds", 2.0),
        ("flush_seconds = 2.5", "flush_seconds", 2.5),
        ("memory_limit = 134217728", "memory_limit", 134_217_728),
        ('memory_limit = "128MiB"', "memory_limit", 134_217_728),
        ('trusted_proxies = ["10.0.0.0/8", "::1"]', "trusted_proxies", ("10.0.0.0/8", "::1/128")),
        ('trusted_proxies = "10.0.0.0/8"', "trusted_proxies", ("10.0.0.0/8",)),
        ("trusted_proxies = []", "trusted_proxies", ()),
        ('data = "dätä"', "data", Path("dätä")),
    ],
)
def test_a_line_of_the_file_is_read_by_its_type_or_as_text(tmp_path: Path, line: str, name: str, value: object) -> None:
    assert getattr(load(None, {}, written(tmp_path, line)), name) == value


BAD: list[tuple[str, str]] = [
    ("data", "\x00"),
    ("data", "~nobody-of-this-name/x"),
    ("data", "x" * 5000),
    ("host", "a b"),
    ("host", "http://x"),
    ("host", "x" * 254),
    ("port", "-1"),
    ("port", "65536"),
    ("port", "8000.0"),
    ("port", "eighty"),
    ("port", "٨٠"),
    ("port", "1_000"),
    ("port", "0x50"),
    ("port", "9" * 4000),
    ("flush_seconds", "0"),
    ("flush_seconds", "-1"),
    ("flush_seconds", "nan"),
    ("flush_seconds", "inf"),
    ("flush_seconds", "1e3"),
    ("flush_seconds", "10s"),
    ("flush_events", "0"),
    ("flush_bytes", "1"),
    ("flush_bytes", "50%"),
    ("flush_bytes", "1XB"),
    ("buffer_limit", "10MB"),
    ("memory_limit", "0%"),
    ("memory_limit", "101%"),
    ("memory_limit", "-1GB"),
    ("memory_limit", "lots"),
    ("memory_limit", "63MiB"),
    ("memory_limit", "999999999999999TB"),
    ("threads", "0"),
    ("query_timeout_seconds", "0"),
    ("max_concurrent_queries", "65"),
    ("query_queue_limit", "-5"),
    ("trusted_proxies", "10.0.0.1/8"),
    ("trusted_proxies", "localhost"),
    ("trusted_proxies", "10.0.0.0/8,,"),
    ("trusted_proxies", ",".join(["::1"] * 101)),
    ("log_level", "loud"),
    ("log_format", "xml"),
    ("public_url", "stats.example.com"),
    ("public_url", "http://[::"),
    ("public_url", "http://stats.example.com:99999"),
    ("public_url", "ftp://stats.example.com"),
    ("public_url", "https://stats.example.com/?x=1"),
    ("public_url", "https://stats.example.com/#x"),
    ("public_url", "https://a b"),
    ("public_url", 'https://x/"><script>'),
    ("public_url", "javascript:alert(1)"),
    ("base_path", "stats"),
    ("base_path", "/a b"),
    ("base_path", "//evil.example"),
    ("base_path", "/../x"),
    ("base_path", "/api"),
    ("base_path", "/api/stats"),
    ("base_path", '/"><script>'),
    ("base_path", "/%73tats"),
    ("script_path", "sv.js"),
    ("script_path", "/sv"),
    ("script_path", "/.js"),
    ("script_path", "/../sv.js"),
    ("script_path", "//evil.example/sv.js"),
    ("script_path", "/a b.js"),
    ("script_path", "/api/v1/sv.js"),
    ("recorder_path", "/assets/x.js"),
    ("recorder_path", "/schema/x.js"),
    ("s3_bucket", "a/b"),
    ("s3_endpoint", "minio:9000"),
    ("s3_region", "eu west"),
    ("s3_secret_key", " blank"),
    ("s3_secret_key", "two\nlines"),
    ("first_project_token", "sv_pub_" + "a" * 19),
    ("first_project_token", "sv_" + "a" * 40),
    ("first_project_token", "sv_pub_dev"),
    ("first_api_token", "sv_" + "a" * 39),
    ("first_api_token", "sv_dev"),
    ("first_api_token", "sv_pub_" + "a" * 40),
    ("first_api_token", "a" * 50),
    ("first_api_token", "sv_" + "a b" * 20),
    ("first_api_token", "sv_" + "a" * 201),
]


@pytest.mark.parametrize(("name", "text"), BAD, ids=lambda v: repr(v)[:40])
def test_a_bad_value_is_refused_by_where_it_came_from(tmp_path: Path, name: str, text: str) -> None:
    variable, flag = f"SV_{name.upper()}", "--" + name.replace("_", "-")
    path = written(tmp_path, f"# a comment\n\n{name} = {msgspec.json.encode(text).decode()}\n")
    for source, given in (
        (variable, lambda: load(None, {variable: text})),
        (flag, lambda: load(flags(f"{flag}={text}"), {})),
        (f"{path} line 3 ({name})", lambda: load(None, {}, path)),
    ):
        with pytest.raises(BadSettings) as caught:
            given()
        (problem,) = caught.value.problems
        assert problem.startswith(f"{source}: expected ")
        assert ", got " in problem
        assert len(problem) < 600


@pytest.mark.parametrize(
    "line",
    [
        "port = true",
        "port = 1.5",
        "port = []",
        "port = 2025-01-01",
        "port = -1",
        "flush_seconds = inf",
        "flush_seconds = nan",
        "flush_seconds = false",
        "memory_limit = 1.5",
        "memory_limit = 0",
        "data = 7",
        'data = ""',
        "data = ['x']",
        "host = {a = 1}",
        "log_level = 3",
        "trusted_proxies = [7]",
        "trusted_proxies = {}",
        "public_url = true",
        "s3_secret_key = 12345",
    ],
)
def test_a_line_of_the_wrong_type_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    name = line.partition(" ")[0]
    path = written(tmp_path, "# first\n" + line)
    with pytest.raises(BadSettings) as caught:
        load(None, {}, path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path} line 2 ({name}): expected ")
    assert "12345" not in problem


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "threads = 0\nprot = 80\n[s3]\nbucket = 'b'\n")
    with pytest.raises(BadSettings) as caught:
        load(flags("--port", "x"), {"SV_HOST": "a b"}, path)
    assert sorted(problem.partition(": ")[0] for problem in caught.value.problems) == sorted(
        ["--port", "SV_HOST", f"{path} line 1 (threads)", f"{path} line 2 (prot)", f"{path} line 3 (s3)"]
    )
    assert str(caught.value).count("\n") == 4
    assert "did you mean port?" in str(caught.value)


def test_a_port_that_kubernetes_set_is_explained() -> None:
    with pytest.raises(BadSettings, match="enableServiceLinks"):
        load(None, {"SV_PORT": "tcp://10.0.0.1:80"})


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"SV_MEMORY_LIMIT": "64MiB", "SV_BUFFER_LIMIT": "65MiB"}, "buffer_limit (SV_BUFFER_LIMIT)"),
        ({"SV_BUFFER_LIMIT": "16MiB", "SV_FLUSH_BYTES": "17MiB"}, "flush_bytes (SV_FLUSH_BYTES)"),
        (
            {"SV_SCRIPT_PATH": "/recorder.js"},
            "recorder_path (default): expected another path than script_path's (SV_SCRIPT_PATH)",
        ),
        ({"SV_S3_ENDPOINT": "http://minio:9000"}, "SV_S3_ENDPOINT: expected s3_bucket"),
        ({"SV_S3_BUCKET": "b"}, "s3_access_key and s3_secret_key"),
        ({"SV_S3_BUCKET": "b", "SV_S3_ACCESS_KEY": "k"}, "s3_access_key and s3_secret_key"),
        ({"SV_S3_BUCKET": "b", "SV_S3_SECRET_KEY": "hush"}, "s3_access_key and s3_secret_key"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(env: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load(None, env)
    (problem,) = caught.value.problems
    assert problem.startswith(named)
    assert "hush" not in problem


# ---- The file ----


@pytest.mark.parametrize(
    "content",
    [b"port = ", b"port 80", b"\xff\xfe", b"port = 1\nport = 2", b"a = " + b"[" * 5000, b"# " + b"x" * 2**20, b"\x00"],
    ids=["no value", "no sign", "not UTF-8", "twice", "deep", "large", "NUL"],
)
def test_a_file_that_is_no_toml_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadSettings) as caught:
        load(flags("--config", str(path)), {})
    (problem,) = caught.value.problems
    assert problem.startswith("--config: expected a readable TOML file, got ")
    assert "sv.toml" in problem


def test_a_file_that_is_not_there_is_refused_by_who_named_it(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"SV_CONFIG: .*No such file"):
        load(None, {"SV_CONFIG": str(tmp_path / "none.toml")})
    with pytest.raises(BadSettings, match=r"SV_CONFIG: .*Is a directory"):
        load(None, {"SV_CONFIG": str(tmp_path)})


def test_a_file_of_anything_but_settings_is_refused_in_a_bounded_message(tmp_path: Path) -> None:
    lines = "\n".join(f"key_{i} = {i}" for i in range(5000))
    with pytest.raises(BadSettings) as caught:
        load(None, {}, written(tmp_path, lines))
    assert len(str(caught.value)) < 10_000


# ---- Secrets ----


def test_a_secret_is_shown_nowhere() -> None:
    env = {"SV_S3_BUCKET": "b", "SV_S3_ACCESS_KEY": "AKIA-hush", "SV_S3_SECRET_KEY": "hush-hush"}
    loaded = load_with_sources(None, env)
    settings = loaded.settings
    assert settings.s3_secret_key is not None
    assert settings.s3_secret_key.reveal() == "hush-hush"
    for text in (repr(settings), str(settings), f"{settings.s3_secret_key}", repr(loaded), table(loaded)):
        assert "hush" not in text
    with pytest.raises(TypeError):
        msgspec.json.encode(settings.s3_secret_key)
    with pytest.raises(TypeError):
        pickle.dumps(settings.s3_secret_key)
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_the_table_shows_each_setting_with_its_value_and_source(tmp_path: Path) -> None:
    bucket = {"SV_S3_BUCKET": "b", "SV_S3_ACCESS_KEY": "k", "SV_S3_SECRET_KEY": "hush"}
    lines = table(load_with_sources(flags("--port", "0"), bucket)).split("\n")
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert list(rows) == list(Settings.__struct_fields__)
    assert rows["port"] == ["0", "--port"]
    assert rows["s3_bucket"] == ["b", "SV_S3_BUCKET"]
    assert rows["geoip_db"] == ["-", "default"]
    assert rows["flush_seconds"] == ["10", "default"]
    assert rows["recordings_limit"] == ["10GiB", "default"]


@pytest.mark.parametrize("rate", [0.0, 0.05, 1234567.0, 1234567.5, 10_000_000.0])
def test_a_number_is_shown_as_settings_take_it(rate: float) -> None:
    shown = in_force(load_with_sources(None, {"SV_PROJECT_RATE_LIMIT": str(rate)}))["project_rate_limit"]["value"]
    assert shown is not None
    assert "e" not in shown
    assert load(None, {"SV_PROJECT_RATE_LIMIT": shown}).project_rate_limit == rate


@pytest.mark.parametrize("amount", [0, 2**30, 3 * 2**29, 12_638_251_008, 2**30 + 1, 5 * 2**40])
def test_a_size_is_shown_as_settings_take_it_to_the_byte(amount: int) -> None:
    loaded = load_with_sources(None, {"SV_DISK_BUDGET": str(amount)})
    assert in_force(loaded)["disk_budget"]["value"] == str(amount)
    (line,) = [each for each in table(loaded).split("\n") if each.startswith("disk_budget")]
    shown = line.split()[1]
    assert load(None, {"SV_DISK_BUDGET": shown}).disk_budget == amount
    assert shown.endswith("iB") is (amount % 1024 == 0 and amount > 0)


# ---- The machine ----


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000000\n"}, 1_000_000),
        (
            {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "500000\n", "sys/fs/cgroup/a/b/memory.max": "max\n"},
            500_000,
        ),
        (
            {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "500000", "sys/fs/cgroup/a/b/memory.max": "400000"},
            400_000,
        ),
        ({"proc/self/cgroup": "4:memory:/docker/x\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "600000\n"}, 600_000),
        ({"proc/self/cgroup": "4:cpu,memory:/x\n0::/\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "700000\n"}, 700_000),
        ({"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/memory.max": "800000\n"}, 800_000),
    ],
)
def test_the_memory_is_what_the_control_groups_allow(tmp_path: Path, files: dict[str, str], memory: int) -> None:
    assert memory_allowed(machine(tmp_path, files)) == memory


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"},
        {"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"},
        {"proc/self/cgroup": "garbage\n\x00\n::::\n", "sys/fs/cgroup/memory.max": "1\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "\n"},
    ],
)
def test_without_a_limit_the_memory_is_the_machines(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_allowed(machine(tmp_path, files)) == memory_allowed(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (
            {
                "proc/self/cgroup": "0::/a\n",
                "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
                "sys/fs/cgroup/cpu.max": "max 100000\n",
            },
            1,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu,cpuacct:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            1,
        ),
    ],
)
def test_the_cores_are_what_the_control_groups_allow(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert cores_allowed(machine(tmp_path, files)) == cores


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "99999999 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"},
        {
            "proc/self/cgroup": "2:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    ],
)
def test_without_a_limit_the_cores_are_those_of_the_process(tmp_path: Path, files: dict[str, str]) -> None:
    assert cores_allowed(machine(tmp_path, files)) == cores_allowed(tmp_path / "nothing") >= 1
