"""How numpy sorts, which most of a funnel's first answer is."""

import os
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")

_DISABLED: Final = "NPY_DISABLE_CPU_FEATURES"
_CHOSEN: Final = (_DISABLED, "NPY_ENABLE_CPU_FEATURES")
_ZEN_3_AND_4: Final = ("AuthenticAMD", "25")
_READ_BYTES: Final = 4096


def sort_quickly() -> None:
    """Has numpy sort by AVX2 where it would do so by AVX-512 and be slower.

    To be called before numpy is imported, which looks at this once. Nothing is changed where `NPY_DISABLE_CPU_FEATURES` is set already.

    SCAR: AMD's Zen 4 has AVX-512, but the instruction that numpy's sort by it hangs on is written in microcode: a million 64-bit numbers
    took 52 ms, and 11 by AVX2.
    """
    if not any(name in os.environ for name in _CHOSEN) and _is_slow():
        os.environ[_DISABLED] = "X86_V4"


def _is_slow() -> bool:
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
