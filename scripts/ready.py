#!/usr/bin/env python3
"""Measures how long Penstock takes from exec to the first 200 of /readyz.

    scripts/ready.py [--runs 20] [--most 50] [PROGRAM]

PROGRAM is a release build, .build/release/penstock by default. Prints the median, the fastest and the slowest run in
milliseconds, and what of it the process itself was on a processor, which other programs on the machine hardly change;
with --most it fails where the median is above that. One policy with a TLS upstream and one with three.
"""

import argparse
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ONE = """
upstreams:
  openai: {url: "https://api.openai.com", limits: [{in_flight: 16, requests: 500/min}, {per: tenant, in_flight: 4}]}
"""
THREE = ONE + """
  claude: {url: "https://api.anthropic.com", limits: [{requests: 50/min}]}
  gemini: {url: "https://generativelanguage.googleapis.com", limits: [{requests: 60/min}]}
"""
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: penstock\r\nConnection: close\r\n\r\n"
PATIENCE = 10.0


def is_ready(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(1)
        try:
            asking.connect(path)
            asking.sendall(REQUEST)
            return asking.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


def milliseconds_on_processor(process: int) -> float:
    """Of all threads together (proc_pid_schedstat: nanoseconds)."""
    tasks = pathlib.Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def one_run(program: str, folder: pathlib.Path, policy: str) -> tuple[float, float]:
    """Milliseconds from just before the fork to the answer, a look every quarter of a millisecond, and those at work."""
    admin = folder / "admin.sock"
    admin.unlink(missing_ok=True)
    file = folder / "penstock.yaml"
    file.write_text(f"listen: 'unix:{folder}/proxy.sock'\nadmin: 'unix:{admin}'\n{policy}")
    begun = time.monotonic()
    process = subprocess.Popen([program, "run", "--config", str(file)], stderr=subprocess.PIPE)
    try:
        while not is_ready(str(admin)):
            if process.poll() is not None:
                sys.exit(f"it ended with {process.returncode}: {process.stderr.read().decode()}")
            if time.monotonic() - begun > PATIENCE:
                sys.exit(f"not ready after {PATIENCE:.0f} s")
            time.sleep(0.00025)
        passed = (time.monotonic() - begun) * 1000
        return passed, milliseconds_on_processor(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the time from exec to ready.")
    parser.add_argument("program", nargs="?", default=".build/release/penstock")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--most", type=float, help="fail above this median, in milliseconds")
    chosen = parser.parse_args()
    is_slow = False
    with tempfile.TemporaryDirectory(prefix="penstock-ready-") as name:
        for label, policy in (("one upstream", ONE), ("three upstreams", THREE)):
            runs = [one_run(chosen.program, pathlib.Path(name), policy) for _ in range(chosen.runs)]
            times, busy = [run[0] for run in runs], [run[1] for run in runs]
            median = statistics.median(times)
            is_slow = is_slow or chosen.most is not None and median > chosen.most
            print(
                f"{label}: median {median:.1f} ms of {chosen.runs} runs, from {min(times):.1f} to {max(times):.1f};"
                f" {statistics.median(busy):.1f} ms on a processor")
    sys.exit(1 if is_slow else 0)


main()
