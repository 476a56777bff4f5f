"""`sv dev` with a clock that is off by as many milliseconds as a file says: python clock_victim.py FILE python -m sv dev --data …"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from sv.cli.credentials import dev_credentials
from sv.cli.running import run_server, set_up_logging
from sv.server import Server
from sv.settings import add_flags, load


def main() -> int:
    offset = Path(sys.argv[1])

    def clock() -> int:
        return time.time_ns() // 1_000_000 + int(offset.read_text() or "0")

    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_flags(parser)
    settings = load(parser.parse_args(sys.argv[sys.argv.index("dev") + 1 :]), os.environ)
    set_up_logging(settings)
    server = Server(settings, is_dev=True, clock=clock)
    return run_server(
        server, lambda opened: dev_credentials(opened) and None, lambda _, url: print(json.dumps({"url": url}), flush=True)
    )


if __name__ == "__main__":
    sys.exit(main())
