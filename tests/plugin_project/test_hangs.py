"""A test that is stopped in its middle, to see what becomes of its server."""

import os
from pathlib import Path


def test_never_ends(sv_server):
    Path(os.environ["SHOP_NOTES"]).write_text(f"{sv_server.pid} {sv_server.ask('/healthz')['status']}\n")
    os.read(int(os.environ["SHOP_WAITS_FOR"]), 1)
