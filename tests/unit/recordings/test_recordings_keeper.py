"""The thread that looks after recordings: what hangs keeps no server from ending, and what is due waits for no next round."""

import threading

import pytest

from sv.recordings import keeper
from sv.recordings.keeper import Keeper

CONTAINERS_GIVE_S = 10.0


def test_a_bucket_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeper.STOP_S < CONTAINERS_GIVE_S / 3, "the last flush needs the rest"
    monkeypatch.setattr(keeper, "STOP_S", 0.01)
    has_begun, answered = threading.Event(), threading.Event()

    def settle() -> bool:
        has_begun.set()
        return not answered.wait(60)

    hanging = Keeper(settle, 60.0)
    hanging.start()
    assert has_begun.wait(60)
    hanging.stop()
    assert not answered.is_set()
    answered.set()


def test_a_round_that_leaves_something_due_is_followed_by_the_next_one_at_once() -> None:
    left, is_done = [True, True, False], threading.Event()

    def settle() -> bool:
        is_more_due = left.pop(0)
        if not left:
            is_done.set()
        return is_more_due

    busy = Keeper(settle, 3600.0)
    busy.start()
    try:
        assert is_done.wait(60), "the rest waits for an hour"
    finally:
        busy.stop()
    assert left == []
