"""A few hundred of the connections that `slow_clients.py` has thousands of: closed in time, while others are served."""

from tests.load.slow_clients import main


def test_begun_requests_and_slow_senders_are_closed_while_others_are_served() -> None:
    assert main(["--idle", "300", "--senders", "40", "--within", "30"]) == 0
