"""Who is ended and when, by a clock that the test moves: whoever doesn't use a connection, and nobody who is being answered."""

from collections.abc import Callable

import pytest

from sv.model.connection_limits import GIVE_WAY_SECONDS
from sv.web.connections import Connections

HEAD_S, WINDOW_S, STALL_S = 10, 10, 600


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Caller:
    """A connection that does what it is told."""

    def __init__(self) -> None:
        self.received = 0
        self.is_in_head = True
        self.is_held_up = False
        self.unread = 0
        self.is_ended = False

    def unread_bytes(self) -> int:
        return self.unread

    def end(self) -> None:
        self.is_ended = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connections(clock: Clock) -> Connections:
    return Connections(clock, max_connections=5, head_s=HEAD_S, window_s=WINDOW_S, stall_s=STALL_S)


@pytest.fixture
def after(clock: Clock, connections: Connections) -> Callable[[float], None]:
    def pass_by(seconds: float) -> None:
        clock.now_s += seconds
        connections.sweep()

    return pass_by


After = Callable[[float], None]


def opened(connections: Connections) -> Caller:
    caller = Caller()
    assert connections.opened(caller)
    return caller


def test_who_sends_no_head_is_ended_when_its_time_is_up_however_many_bytes_came(connections: Connections, after: After) -> None:
    caller = opened(connections)
    for _ in range(HEAD_S - 1):
        caller.received += 1
        connections.wait_for(caller)
        after(1)
    assert not caller.is_ended
    after(1)
    assert caller.is_ended
    assert connections.ended == {"slow_head": 1}


def test_a_body_is_waited_for_as_long_as_enough_of_it_comes(connections: Connections, after: After) -> None:
    caller = opened(connections)
    caller.is_in_head = False
    connections.wait_for(caller)
    for _ in range(30):
        caller.received += 2000
        after(WINDOW_S)
    assert not caller.is_ended
    caller.received += 1999
    after(WINDOW_S)
    assert caller.is_ended
    assert connections.ended == {"slow_body": 1}


def test_the_time_of_a_body_begins_with_it_and_not_with_the_head(connections: Connections, after: After) -> None:
    caller = opened(connections)
    after(HEAD_S - 1)
    caller.is_in_head = False
    connections.wait_for(caller)
    after(WINDOW_S - 1)
    assert not caller.is_ended
    after(1)
    assert caller.is_ended


def test_nobody_is_ended_while_it_is_our_turn(connections: Connections, after: After) -> None:
    answered, held_up = opened(connections), opened(connections)
    connections.forget(answered)
    held_up.is_in_head, held_up.is_held_up = False, True
    connections.wait_for(held_up)
    for _ in range(100):
        after(WINDOW_S)
    assert not answered.is_ended and not held_up.is_ended
    held_up.is_held_up = False
    after(WINDOW_S)
    assert held_up.is_ended


def test_a_connection_at_rest_is_left_to_the_server_that_keeps_it(connections: Connections, after: After) -> None:
    caller = opened(connections)
    connections.forget(caller)
    connections.rest(caller)
    after(1000)
    assert not caller.is_ended
    connections.wait_for(caller)  # the next request's first byte
    after(HEAD_S)
    assert caller.is_ended


def test_who_takes_nothing_of_an_answer_is_ended_and_who_takes_some_is_not(connections: Connections, after: After) -> None:
    stuck, slow = opened(connections), opened(connections)
    for caller in (stuck, slow):
        connections.forget(caller)
        caller.unread = 1 << 20
        connections.stall(caller)
    after(STALL_S - 1)
    connections.flow(slow)
    connections.stall(slow)
    after(1)
    assert (stuck.is_ended, slow.is_ended) == (True, False)
    assert connections.ended == {"slow_reader": 1}


def test_a_server_that_ends_waits_for_no_reader(connections: Connections) -> None:
    stuck, busy, resting = (opened(connections) for _ in range(3))
    connections.stall(stuck)
    connections.forget(busy)
    connections.rest(resting)
    connections.end_stalled()
    assert [caller.is_ended for caller in (stuck, busy, resting)] == [True, False, False]


def test_where_there_is_no_room_the_one_that_has_waited_longest_gives_way(connections: Connections, clock: Clock) -> None:
    busy, first, second, resting, third = (opened(connections) for _ in range(5))
    connections.forget(busy)
    connections.forget(resting)
    connections.rest(resting)
    connections.wait_for(first)  # a further byte makes it no younger
    clock.now_s += 1
    gone = [caller for caller in (first, second, third, resting) if opened(connections) and caller.is_ended]
    assert gone == [first, second, third]
    for caller in (first, second, third):
        connections.closed(caller)
    assert connections.open == 6
    assert not busy.is_ended


def test_a_newcomer_is_refused_only_where_everybody_is_being_answered(connections: Connections) -> None:
    callers = [opened(connections) for _ in range(5)]
    for caller in callers:
        connections.forget(caller)
    newcomer = Caller()
    assert not connections.opened(newcomer)
    connections.closed(newcomer)
    assert connections.open == 5
    assert connections.ended == {"refused": 1}
    connections.rest(callers[2])
    assert connections.opened(Caller())
    assert [caller.is_ended for caller in callers] == [False, False, True, False, False]


def test_who_does_not_read_an_answer_gives_way_last_and_after_a_while_first(connections: Connections, after: After) -> None:
    readers = [opened(connections) for _ in range(5)]
    for caller in readers:
        connections.forget(caller)
        connections.stall(caller)
    sending = opened(connections)
    assert [caller.is_ended for caller in readers] == [True, False, False, False, False]
    connections.closed(readers[0])
    newcomer = opened(connections)
    assert sending.is_ended and not readers[1].is_ended
    connections.closed(sending)
    connections.forget(newcomer)
    after(GIVE_WAY_SECONDS)
    sending = opened(connections)
    assert readers[1].is_ended
    connections.closed(readers[1])
    assert opened(connections) and readers[2].is_ended and not sending.is_ended


def test_what_is_closed_is_forgotten(connections: Connections, after: After) -> None:
    caller = opened(connections)
    connections.stall(caller)
    connections.closed(caller)
    after(10_000)
    assert not caller.is_ended
    assert connections.open == 0
