"""A few seconds of what `overload.py` does for a minute."""

from tests.load.overload import main


def test_under_more_load_than_it_can_take_the_server_refuses_in_time_and_keeps_all_that_it_acknowledged() -> None:
    assert main(["--seconds", "4", "--health", "30"]) == 0
