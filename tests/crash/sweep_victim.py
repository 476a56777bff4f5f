"""One life of a folder, for `sweep_rig`: FOLDER BASE_MS SOCKET live|begin. Tells by the socket what was acknowledged. Exit code 3: the start was refused."""

import logging
import secrets
import socket
import sys
from itertools import count
from pathlib import Path

from sweep_rig import Life

from sv.model.errors import SvError

numbers = count()


def next_name(size: int) -> str:
    """The same names in every life, so that a fault can be meant for one file."""
    return f"{next(numbers):0{2 * size}x}"


def main(folder: str, base_ms: str, number: str, what: str) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    secrets.token_hex = lambda nbytes=None: next_name(nbytes or 8)
    channel = socket.socket(fileno=int(number))
    try:
        life = Life(Path(folder), int(base_ms), lambda name: channel.send(f"{name}\n".encode()))
    except SvError as error:
        print(error.message, file=sys.stderr)
        return 3
    life.live() if what == "live" else life.begin()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
