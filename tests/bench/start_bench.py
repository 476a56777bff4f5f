"""Start-up: from process start to the first 202, and idle memory, against a bare import of Litestar and uvicorn.

Prints medians and ratios. The reference process does `import litestar, uvicorn` and nothing else. Memory is that before the first event,
and that after the flush of the first one, for which the engine is loaded.
"""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROUNDS = 7
REFERENCE = "import litestar, uvicorn; print(open('/proc/self/status').read())"


def main() -> None:
    bare: list[tuple[float, float]] = []
    served: list[tuple[float, float, float]] = []
    for _ in range(ROUNDS):
        bare.append(_bare_import())
        served.append(_first_202())
    reference_s, reference_mb = (statistics.median(each) for each in zip(*bare, strict=True))
    first_s, idle_mb, flushed_mb = (statistics.median(each) for each in zip(*served, strict=True))
    print(f"bare import of litestar and uvicorn   {reference_s:6.3f} s   1.00   {reference_mb:6.1f} MB   1.00")
    print(f"sv dev: process start to first 202    {first_s:6.3f} s   {first_s / reference_s:4.2f}")
    print(f"sv dev: memory before the first event               {idle_mb:6.1f} MB   {idle_mb / reference_mb:4.2f}")
    print(f"sv dev: memory after its flush                      {flushed_mb:6.1f} MB   {flushed_mb / reference_mb:4.2f}")


def _resident_mb(status: str) -> float:
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


def _bare_import() -> tuple[float, float]:
    """(seconds, RSS in MB) of a process that imports both."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", REFERENCE], check=True, capture_output=True, text=True)
    return time.perf_counter() - started, _resident_mb(done.stdout)


def _first_202() -> tuple[float, float, float]:
    """(seconds to the first 202, RSS in MB before it and after the flush of its event) of a fresh `sv dev`."""
    body = json.dumps({"projectToken": "sv_pub_dev", "events": [{"event": "start", "userId": "bench"}]}).encode()
    started = time.perf_counter()
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json", "--flush-seconds", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        status = Path(f"/proc/{process.pid}/status")
        idle_mb = _resident_mb(status.read_text())
        request = urllib.request.Request(
            f"{ready['url']}/api/v1/ingest/events", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            assert response.status == 202
        seconds = time.perf_counter() - started
        time.sleep(5)
        flushed_mb = _resident_mb(status.read_text())
        process.terminate()
    return seconds, idle_mb, flushed_mb


if __name__ == "__main__":
    main()
