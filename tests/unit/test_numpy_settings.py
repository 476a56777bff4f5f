"""What numpy is told: on which processors to sort without AVX-512, and to start no threads; and that it does as told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sv.engine import numpy_settings

VARIABLE = "NPY_DISABLE_CPU_FEATURES"
THREADS = "OPENBLAS_NUM_THREADS"


def told(vendor: str, family: int, flags: str) -> str:
    one = f"vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: 17\nmodel name\t: A: B\nflags\t\t: fpu {flags} avx2\n\n"
    return "processor\t: 0\n" + one + "processor\t: 1\n" + one.replace("avx512f", "")


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (VARIABLE, "NPY_ENABLE_CPU_FEATURES", THREADS):
        monkeypatch.setenv(name, "")  # so that it is restored afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(numpy_settings, "CPUINFO", tmp_path / "cpuinfo")
    return tmp_path / "cpuinfo"


@pytest.mark.parametrize(
    ("text", "is_disabled"),
    [
        (told("AuthenticAMD", 25, "avx512f"), True),  # Zen 4
        (told("AuthenticAMD", 25, ""), False),  # Zen 3
        (told("AuthenticAMD", 26, "avx512f"), False),  # Zen 5
        (told("GenuineIntel", 6, "avx512f"), False),
        ("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n", False),  # Arm
        ("\xff\x00: :\n::", False),
        ("", False),
    ],
)
def test_numpy_sorts_without_avx_512_where_that_is_slow(cpuinfo: Path, text: str, *, is_disabled: bool) -> None:
    cpuinfo.write_text(text, encoding="latin-1")
    numpy_settings.set_up_numpy()
    assert os.environ.get(VARIABLE) == ("X86_V4" if is_disabled else None)


def test_nothing_is_changed_without_that_file_and_where_somebody_chose(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numpy_settings.set_up_numpy()
    assert VARIABLE not in os.environ
    cpuinfo.write_text(told("AuthenticAMD", 25, "avx512f"))
    monkeypatch.setenv("NPY_ENABLE_CPU_FEATURES", "X86_V4")
    numpy_settings.set_up_numpy()
    assert VARIABLE not in os.environ
    monkeypatch.delenv("NPY_ENABLE_CPU_FEATURES")
    monkeypatch.setenv(VARIABLE, "AVX512_SPR")
    numpy_settings.set_up_numpy()
    assert os.environ[VARIABLE] == "AVX512_SPR"


def test_numpy_starts_no_threads_unless_somebody_chose(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo.write_text("")
    numpy_settings.set_up_numpy()
    assert os.environ[THREADS] == "1"
    monkeypatch.setenv(THREADS, "3")
    numpy_settings.set_up_numpy()
    assert os.environ[THREADS] == "3"


def test_numpy_knows_the_name_and_every_command_says_it_before_numpy_comes(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(told("AuthenticAMD", 25, "avx512f"))
    program = f"""
import sys
from pathlib import Path
import sv.cli
from sv.engine import numpy_settings
numpy_settings.CPUINFO = Path({str(tmp_path / "cpuinfo")!r})
sys.argv = ["sv", "config"]

def at_the_end(code):
    assert code == 0 and "numpy" not in sys.modules
    import os
    import warnings
    warnings.simplefilter("error")
    import numpy
    tasks = Path("/proc/self/task")
    assert not tasks.exists() or len(list(tasks.iterdir())) == 1
    print(os.environ[{VARIABLE!r}], numpy.sort(numpy.array([3, 1, 2], "u8")).tolist())

sv.cli.exit_fast = at_the_end
sv.cli.main()
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NPY_", "OPENBLAS_"))}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1:] == ["X86_V4 [1, 2, 3]"], ended.stderr
