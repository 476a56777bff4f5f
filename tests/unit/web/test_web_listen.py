"""What can't be listened on is told with what to do, which hangs on what the system says."""

import errno
import os
import socket

import pytest

from sv.web.serve import PortTaken, listen

NO_HOST = "Choose an address of this machine with --host"


def refusal(host: str, port: int = 0) -> str:
    with pytest.raises(PortTaken) as refused:
        listen(host, port)
    return refused.value.message


def test_a_port_that_is_taken_may_be_another_server_s() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        told = f"can't listen on 127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE)}. Is another server running? Choose another port with --port"
        assert refusal("127.0.0.1", port) == told


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "a" * 70])
def test_a_host_that_is_not_this_machine_is_none_of_another_server_s(host: str) -> None:
    told = refusal(host)
    assert told.startswith(f"can't listen on {host}:0: ")
    assert told.endswith(f". {NO_HOST}")
    assert "another server" not in told


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "The system lets few use this port; choose another one with --port"),
        (errno.ENOBUFS, "Choose another address or port with --host and --port"),
    ],
)
def test_what_the_system_forbids_is_told_as_that(monkeypatch: pytest.MonkeyPatch, number: int, hint: str) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Refusing)
    assert refusal("127.0.0.1", 80) == f"can't listen on 127.0.0.1:80: {os.strerror(number)}. {hint}"
