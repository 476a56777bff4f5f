"""Settings from flags, environment and file: the first of the three that has one wins, else its default.

Answers for finding every wrong setting in one go, each with the place that it came from, and for refusing a
line of the file that sets nothing. Assumes that the caller hands over parsed flags and the environment.
Never reads the process's own environment, and never writes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from sv.model import limits
from sv.model.errors import ServerFault
from sv.model.validate import clip, show
from sv.settings.about import VARIABLE_PREFIX, Setting
from sv.settings.definition import Settings, definitions
from sv.settings.values import is_base_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

CONFIG_FLAG: Final = "--config"
CONFIG_VARIABLE: Final = "SV_CONFIG"

MAX_FILE_BYTES: Final = limits.MIB
"""A file of two dozen lines. A larger one is some other file."""

MAX_UNKNOWN_LINES: Final = 20
"""Lines of the file that are complained of one by one, and variables that are looked at."""


class BadSettings(ServerFault):
    """Settings that can't be used: all of what is wrong, a line each. The server does not start."""

    exit_code = 2

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Loaded(Struct, frozen=True):
    """Settings, and for each by name where it came from: a flag, a variable, a line of the file, or "default"."""

    settings: Settings
    sources: dict[str, str]


def add_flags(parser: "ArgumentParser", names: Iterable[str] | None = None) -> None:
    """Give a command line the flags of these settings (None: of all), and `--config`.

    The values stay text, or None where the flag was not given; `load` reads them.
    """
    wanted = None if names is None else set(names)
    unknown = (wanted or set()) - {setting.name for setting in definitions()}
    if unknown:
        raise KeyError(f"no such settings: {', '.join(sorted(unknown))}")
    parser.add_argument(CONFIG_FLAG, metavar="FILE", help=f"a TOML file with settings, a line each ({CONFIG_VARIABLE})")
    for setting in definitions():
        if wanted is None or setting.name in wanted:
            unit = f" ({setting.about.unit})" if setting.about.unit else ""
            default = f"default: {setting.default}; " if setting.default else ""
            text = f"{setting.about.why}{unit} [{default}{setting.variable}]"
            parser.add_argument(setting.flag, dest=setting.name, metavar="VALUE", help=text.replace("%", "%%"))


def load(flags: "Namespace | None", env: Mapping[str, str], file: Path | None = None) -> Settings:
    """The settings. `file` stands for what `--config` or `SV_CONFIG` name. Raises BadSettings."""
    return load_with_sources(flags, env, file).settings


def load_with_sources(flags: "Namespace | None", env: Mapping[str, str], file: Path | None = None) -> Loaded:
    """The settings and where each came from.

    An empty variable counts as not set, as compose files leave them behind; so does a flag that is None.
    Errors: BadSettings with every problem: a value that is not of its kind, a line of the file that no
    setting has, settings that contradict each other, a file that can't be read.
    """
    problems: list[str] = []
    given_flags: dict[str, object] = {} if flags is None else vars(flags)
    lines = _read_file(_file_named(given_flags, env, file), problems)
    chosen: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in definitions():
        source, value = _given(setting, given_flags, env, lines)
        sources[setting.name] = source
        if source == "default":
            continue
        try:
            chosen[setting.name] = setting.about.kind.parse(value)
        except ValueError as error:
            problems.append(f"{source}: {error}{_hint(source, value)}")
    settings = Settings(**chosen)
    if not problems:
        problems += _contradictions(settings, sources)
    if problems:
        raise BadSettings(tuple(problems))
    return Loaded(settings, sources)


def unknown_variables(env: Mapping[str, str], also: Iterable[str] = ()) -> list[str]:
    """Variables that look like settings and are none: worth a warning, not more, as others may set them.

    also: variables that some command knows besides.
    """
    known = {setting.variable for setting in definitions()} | {CONFIG_VARIABLE, *also}
    return sorted(name for name in env if name.startswith(VARIABLE_PREFIX) and name not in known)


def mistyped_variables(env: Mapping[str, str], also: Sequence[str] = ()) -> list[str]:
    """What to say of the variables that nothing reads and whose names look like one that is read: `SV_PORTT: no such setting; did you mean
    SV_PORT?`. Empty ones are not set. also: as for `unknown_variables`."""
    besides = [name.removeprefix(VARIABLE_PREFIX).lower() for name in (CONFIG_VARIABLE, *also)]
    known = [setting.name for setting in definitions()] + besides
    unknown = [name for name in unknown_variables(env, also) if env[name]][:MAX_UNKNOWN_LINES]
    guesses = {name: _nearest(name.removeprefix(VARIABLE_PREFIX), known) for name in unknown}
    return [
        f"{clip(name)}: no such setting; did you mean {VARIABLE_PREFIX}{near.upper()}?" for name, near in guesses.items() if near
    ]


def _given(setting: Setting, flags: Mapping[str, object], env: Mapping[str, str], lines: "_Lines") -> tuple[str, object]:
    """Where the setting comes from, and its raw value."""
    if flags.get(setting.name) is not None:
        return setting.flag, flags[setting.name]
    if env.get(setting.variable):
        return setting.variable, env[setting.variable]
    if setting.name in lines.values:
        return lines.place(setting.name), lines.values[setting.name]
    return "default", None


def _hint(source: str, value: object) -> str:
    if source.startswith(VARIABLE_PREFIX) and isinstance(value, str) and value.startswith("tcp://"):
        return " (Kubernetes sets this for a service named sv: set enableServiceLinks: false, or rename the service)"
    return ""


def _contradictions(settings: Settings, sources: Mapping[str, str]) -> list[str]:
    """Settings that are fine alone and not together. Only what somebody set can be wrong."""
    found: list[str] = []
    if settings.buffer_limit > settings.memory_limit:
        found.append(
            f"buffer_limit ({sources['buffer_limit']}): expected at most memory_limit "
            f"({settings.memory_limit:,} bytes, {sources['memory_limit']}), got {settings.buffer_limit:,}"
        )
    if settings.flush_bytes > settings.buffer_limit:
        found.append(
            f"flush_bytes ({sources['flush_bytes']}): expected at most buffer_limit "
            f"({settings.buffer_limit:,} bytes, {sources['buffer_limit']}), got {settings.flush_bytes:,}"
        )
    found += _crossed_paths(settings, sources)
    if settings.script_path == settings.recorder_path:
        found.append(
            f"recorder_path ({sources['recorder_path']}): expected another path than script_path's "
            f"({sources['script_path']}), got {show(settings.recorder_path)}"
        )
    if settings.s3_bucket is None:
        lonely = [name for name in sources if name.startswith("s3_") and sources[name] != "default"]
        found += [f"{sources[name]}: expected s3_bucket beside it, got none" for name in lonely]
    elif settings.s3_access_key is None or settings.s3_secret_key is None:
        found.append("s3_access_key and s3_secret_key: expected both beside s3_bucket, since URLs are signed with them")
    return found


def _crossed_paths(settings: Settings, sources: Mapping[str, str]) -> list[str]:
    """What the base path contradicts."""
    base = settings.base_path
    if base and not is_base_path(base):
        return [f"public_url ({sources['public_url']}): expected a path that base_path can be, such as /stats, got {show(base)}"]
    found: list[str] = []
    if settings.public_url is not None and settings.public_url.split("/", 3)[3:] != ([base[1:]] if base else []):
        found.append(
            f"base_path ({sources['base_path']}): expected the path of public_url ({sources['public_url']}), "
            f"{show(settings.public_url)}, got {show(base)}"
        )
    for name, path in (("script_path", settings.script_path), ("recorder_path", settings.recorder_path)):
        if base and path.startswith(f"{base}/"):
            found.append(f"{name} ({sources[name]}): expected a path without base_path ({show(base)}) in front, got {show(path)}")
    return found


# ---- The file ----


class _Lines:
    """The file's values by name, and where they stand."""

    def __init__(self, path: Path | None, text: str, values: dict[str, object]) -> None:
        self.values = values
        self._path = path
        self._text = text

    def place(self, name: str) -> str:
        """`sv.toml line 3 (port)`. TOML readers keep no lines, so this one is looked up in the text."""
        key = re.escape(name)
        found = re.search(rf"^[ \t]*(?:{key}|\"{key}\"|'{key}'|\[{key}[\].])", self._text, re.MULTILINE)
        line = f" line {self._text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self._path}{line} ({clip(name)})"


def _file_named(flags: Mapping[str, object], env: Mapping[str, str], file: Path | None) -> tuple[str, Path] | None:
    """Who named a file, and its path."""
    if file is not None:
        return "the file of settings", file
    if flags.get("config"):
        return CONFIG_FLAG, Path(str(flags["config"]))
    if env.get(CONFIG_VARIABLE):
        return CONFIG_VARIABLE, Path(env[CONFIG_VARIABLE])
    return None


def _read_file(named: tuple[str, Path] | None, problems: list[str]) -> _Lines:
    if named is None:
        return _Lines(None, "", {})
    who, path = named
    import tomllib  # 11 ms that only who has a file pays

    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"it has more than {MAX_FILE_BYTES:,} bytes")
        text = content.decode("utf-8")
        lines = _Lines(path, text, cast("dict[str, object]", tomllib.loads(text)))
    except (OSError, ValueError, RecursionError) as error:  # TOML and UTF-8 errors are ValueErrors
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problems.append(f"{who}: expected a readable TOML file, got {show(str(path))}: {reason}")
        return _Lines(None, "", {})
    known = [setting.name for setting in definitions()]
    unknown = [name for name in lines.values if name not in known]
    problems += [f"{lines.place(name)}: no such setting{_guess(name, known)}" for name in unknown[:MAX_UNKNOWN_LINES]]
    return lines


def _guess(name: str, known: list[str]) -> str:
    """What was meant, if that can be told."""
    near = _nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def _nearest(name: str, known: list[str]) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(name[: limits.MAX_SHOWN_CHARS].lower(), known, 1)
    return close[0] if close else None
