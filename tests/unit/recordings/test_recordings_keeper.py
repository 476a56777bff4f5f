"""The thread that looks after recordings: what hangs keeps no server from ending."""

import threading

import pytest

from sv.recordings import keeper
from sv.recordings.keeper import Keeper

CONTAINERS_GIVE_S = 10.0


def test_a_bucket_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeper.STOP_S < CONTAINERS_GIVE_S / 3, "the last flush needs the rest"
    monkeypatch.setattr(keeper, "STOP_S", 0.01)
    has_begun, answered = threading.Event(), threading.Event()

    def settle() -> None:
        has_begun.set()
        assert answered.wait(60)

    hanging = Keeper(settle, 60.0)
    hanging.start()
    assert has_begun.wait(60)
    hanging.stop()
    assert not answered.is_set()
    answered.set()
