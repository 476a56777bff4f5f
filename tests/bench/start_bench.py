"""Start-up: from process start to the first 202, and idle memory, against a bare import of Litestar and uvicorn.

Prints medians and ratios. The reference process does `import litestar, uvicorn` and nothing else.
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


def main() -> None:
    served: list[tuple[float, float]] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare.append(_bare_import_s())
        served.append(_first_202())
    first_s = statistics.median(seconds for seconds, _ in served)
    idle_mb = statistics.median(memory for _, memory in served)
    reference_s = statistics.median(bare)
    print(f"bare import of litestar and uvicorn   {reference_s:6.3f} s   1.00")
    print(f"sv dev: process start to first 202    {first_s:6.3f} s   {first_s / reference_s:4.2f}")
    print(f"sv dev: idle memory (RSS)             {idle_mb:6.1f} MB")


def _bare_import_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import litestar, uvicorn"], check=True)
    return time.perf_counter() - started


def _first_202() -> tuple[float, float]:
    """(seconds to the first 202, RSS in MB two seconds later) of a fresh `sv dev`."""
    body = json.dumps({"projectToken": "sv_pub_dev", "events": [{"event": "start", "userId": "bench"}]}).encode()
    started = time.perf_counter()
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        request = urllib.request.Request(
            f"{ready['url']}/api/v1/ingest/events", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            assert response.status == 202
        seconds = time.perf_counter() - started
        time.sleep(2)
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000
        process.terminate()
    return seconds, memory


if __name__ == "__main__":
    main()
