"""What visitors' browsers have to load."""

import gzip

import pytest

from sv.web.client_door import BUILT

LIMITS = {"sv.js": 6 * 1024, "recorder.js": 64 * 1024}


@pytest.mark.parametrize("name", LIMITS)
def test_a_script_is_no_larger_than_promised(name: str) -> None:
    size = len(gzip.compress((BUILT / name).read_bytes(), 9))
    print(f"{name}: {size:,} of {LIMITS[name]:,} bytes gzipped")
    assert size <= LIMITS[name]
