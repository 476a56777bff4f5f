"""Under which address callers reach this server: for answers that contain URLs of its own."""

import re
from collections.abc import Mapping
from typing import Any, Final

HOST: Final = re.compile(rb"[A-Za-z0-9._-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


def origin_of(scope: Mapping[str, Any], public_url: str | None, base_path: str) -> str:
    """`https://host[:port]` with the base path; or the setting `public_url`, which includes the base path, where it is set.

    The host is what the caller says: the answer goes back to that caller alone, and nothing of it is kept. If it is no valid host, it is
    the address that the server listens on.
    """
    if public_url is not None:
        return public_url
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    if HOST.fullmatch(host):
        return f"{scope['scheme']}://{host.decode()}{base_path}"
    address, port = scope["server"]
    return f"{scope['scheme']}://{f'[{address}]' if ':' in address else address}:{port}{base_path}"
