"""Each value once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sv.engine.distinct import distinct


@given(st.lists(st.integers(0, 5) | st.integers(0, 2**64 - 1)), st.sampled_from(("uint64", "float64")))
def test_distinct_values_are_those_of_a_set_ascending(values: list[int], kind: str) -> None:
    array = np.array(values, kind)
    found = distinct(array)
    assert found.dtype == array.dtype
    assert found.tolist() == sorted(set(array.tolist()))
