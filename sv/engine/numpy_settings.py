"""What numpy is told before it is imported, by environment variables that it looks at once. Whoever set one of them before is obeyed."""

import os
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")

_LINEAR_ALGEBRA_THREADS: Final = "OPENBLAS_NUM_THREADS"
_DISABLED: Final = "NPY_DISABLE_CPU_FEATURES"
_CHOSEN: Final = (_DISABLED, "NPY_ENABLE_CPU_FEATURES")
_ZEN_3_AND_4: Final = ("AuthenticAMD", "25")
_READ_BYTES: Final = 4096


def set_up_numpy() -> None:
    """To be called before numpy is imported.

    No threads for linear algebra, which nothing here uses: numpy's import would start one for each further core, and wait for them.

    SCAR: no sorting by AVX-512 where it is slower than by AVX2. AMD's Zen 4 has it, but the instruction that numpy's sort by it hangs on is
    written in microcode: a million 64-bit numbers took 52 ms, and 11 by AVX2.
    """
    os.environ.setdefault(_LINEAR_ALGEBRA_THREADS, "1")
    if not any(name in os.environ for name in _CHOSEN) and _sorts_slowly():
        os.environ[_DISABLED] = "X86_V4"


def _sorts_slowly() -> bool:
    """Whether the first processor is a Zen 4."""
    try:
        with CPUINFO.open("rb") as file:
            lines = file.read(_READ_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return False
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    is_of_family = (fields.get("vendor_id"), fields.get("cpu family")) == _ZEN_3_AND_4
    return is_of_family and "avx512f" in fields.get("flags", "").split()
