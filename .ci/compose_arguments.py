#!/usr/bin/env python3
"""What `podman run` has to be given to run a service as a compose file says: `compose_arguments.py FILE SERVICE`, words ended by NUL.

Knows the keys that compose.yml uses, and fails at any other: what was passed over would be taken for checked. `build`, `image`, `ports`,
`volumes`, `restart` and `stop_grace_period` are left to who runs it, who has names and ports of their own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

LEFT_TO_THE_CALLER = {"build", "image", "ports", "volumes", "restart", "stop_grace_period"}


def arguments(service: dict[str, Any]) -> Iterator[str]:
    for key, value in service.items():
        match key:
            case "read_only":
                yield f"--read-only={str(value).lower()}"
                yield "--read-only-tmpfs=false"
            case "tmpfs":
                yield from (f"--tmpfs={path}" for path in value)
            case "cap_drop":
                yield from (f"--cap-drop={name}" for name in value)
            case "security_opt":
                yield from (f"--security-opt={option.replace(':true', '')}" for option in value)
            case _ if key in LEFT_TO_THE_CALLER:
                pass
            case _:
                sys.exit(f"compose_arguments: what {key} means for podman is not known here")


if __name__ == "__main__":
    file, name = sys.argv[1:]
    words = arguments(yaml.safe_load(Path(file).read_text())["services"][name])
    sys.stdout.write("".join(f"{word}\0" for word in words))
