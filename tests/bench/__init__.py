"""The benchmarks. numpy is set up as the server has it."""

from sv.engine.numpy_settings import set_up_numpy

set_up_numpy()
