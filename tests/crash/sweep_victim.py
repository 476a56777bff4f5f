"""One life of a folder, for `sweep_rig`: FOLDER BASE_MS SOCKET live|begin. Tells by the socket what was acknowledged. Exit code 3: the start was refused."""

import logging
import secrets
import socket
import sys
from itertools import count
from pathlib import Path

from life_rig import FirstLife, Life

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
        # Of a clock that stands still, since files of answers are called by when they were given.
        at_ms = int(base_ms)
        life = (Life if what == "live" else FirstLife)(
            Path(folder), at_ms, lambda name: channel.send(f"{name}\n".encode()), clock=lambda: at_ms
        )
    except SvError as error:
        print(error.message, file=sys.stderr)
        return 3
    life.live()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
