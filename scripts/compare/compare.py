"""CPU time per request of Penstock and of other proxies, in one run, so that they had the same machine.

Each round starts every proxy anew, one after the other, pinned to the last core; load and upstream have the others.
What a proxy took of its core is what the kernel says (/proc/PID/stat), divided by the answers that came. Times wander
on shared machines: read the ratios, not the microseconds.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from peers import PEERS, WITHOUT, program, write

# What it is, how h2load asks, and where.
SCENARIOS = {
    "h1": ("HTTP/1.1 to HTTP/1.1", ["--h1", "-c16"]),
    "tls": ("HTTP/1.1 to TLS with HTTP/2", ["--h1", "-c16"]),
    "h2c": ("HTTP/2 to HTTP/1.1", ["-c2", "-m8"]),
    "sse": ("HTTP/1.1, a stream of 50 events", ["--h1", "-c16"]),
}
ASK = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken: return taken.getsockname()[1]


def cores():
    """The proxy's own, and those of load and upstream."""
    every = sorted(os.sched_getaffinity(0))
    if len(every) < 2: sys.exit("compare: this needs two cores, one of them for the proxy alone")
    return {every[-1]}, set(every[:-1])


def listens(port, child, name):
    for _ in range(200):
        if child.poll() is not None: sys.exit(f"compare: {name} ended with {child.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1): return
        time.sleep(0.05)
    sys.exit(f"compare: {name} does not listen")


@contextlib.contextmanager
def running(name, command, folder, on, port):
    with open(os.path.join(folder, f"{name}.log"), "w") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 preexec_fn=lambda: os.sched_setaffinity(0, on))
        try:
            listens(port, child, name)
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def cpu(child):
    """Seconds of all threads."""
    with open(f"/proc/{child.pid}/stat") as file: fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def load(name, scenario, port, seconds, on, folder):
    """Sends for so long; how many answers came, none of them bad."""
    _, options = SCENARIOS[scenario]
    target = "/v1/models"
    if scenario == "sse":
        target = "/v1/chat/completions"
        options = [*options, "-d", f"{folder}/ask.json", "-Hcontent-type: application/json"]
    run = subprocess.run(
        ["h2load", *options, "-t1", f"-D{seconds}", f"http://127.0.0.1:{port}{target}"], capture_output=True, text=True,
        timeout=seconds + 30, preexec_fn=lambda: os.sched_setaffinity(0, on))
    # HAProxy leaves the reason out of an answer that came by HTTP/2; h2load then sees no status, so "done" counts.
    found = re.search(r" (\d+) done, ", run.stdout)
    bad = re.search(r"2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", run.stdout)
    count = int(found[1]) if found else 0
    if count == 0 or any(map(int, bad.groups())): sys.exit(f"compare: {name}, {scenario}\n{run.stdout}{run.stderr}")
    return count


def upstreams(stack, folder, on):
    """nginx with a fixed answer, plain and over TLS, and the simulated provider for streams."""
    ports = {name: free_port() for name in ("h1", "tls", "sse")}
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    make += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
    write(folder, "ask.json", json.dumps(ASK))
    config = write(folder, "upstream.conf", f"""
master_process off; daemon off; pid upstream.pid; error_log stderr error; events {{ worker_connections 2000; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path ub; proxy_temp_path up;
fastcgi_temp_path uf; uwsgi_temp_path uu; scgi_temp_path us;
server {{ listen 127.0.0.1:{ports["h1"]}; listen 127.0.0.1:{ports["tls"]} ssl http2; ssl_certificate cert.pem;
ssl_certificate_key key.pem; default_type application/json;
location / {{ return 200 '{{"text": "{"x" * 500}"}}'; }} }} }}
""")
    stack.enter_context(running(
        "upstream", [program("nginx"), "-p", folder, "-c", config, "-e", "stderr"], folder, on, ports["h1"]))
    stack.enter_context(running(
        "simulator", [os.environ["PENSTOCK"], "simulate", "--listen", f"127.0.0.1:{ports['sse']}", "--latency", "0ms",
                      "--output-tokens", "50", "--tokens-per-second", "100000"], folder, on, ports["sse"]))
    return {"h1": f"http://127.0.0.1:{ports['h1']}", "tls": f"https://localhost:{ports['tls']}",
            "sse": f"http://127.0.0.1:{ports['sse']}"}


def measure(names, scenarios, rounds, seconds, folder):
    """Microseconds of CPU per request, by scenario and proxy, one for each round."""
    own, others = cores()
    times = {scenario: {} for scenario in scenarios}
    with contextlib.ExitStack() as stack:
        urls = upstreams(stack, folder, others)
        for number in range(rounds):
            for name in names:
                ports = {scenario: free_port() for scenario in SCENARIOS}
                command = PEERS[name](folder, ports, urls)
                if not command:
                    if number == 0: print(f"{name} is not there: scripts/install-test-tools.sh --peers", flush=True)
                    continue
                with running(name, command, folder, own, ports["h1"]) as child:
                    for scenario in scenarios:
                        if (name, scenario) in WITHOUT: continue
                        load(name, scenario, ports[scenario], 1, others, folder)
                        before = cpu(child)
                        count = load(name, scenario, ports[scenario], seconds, others, folder)
                        times[scenario].setdefault(name, []).append((cpu(child) - before) / count * 1e6)
    return times


def show(times):
    print("| CPU µs per request, median (ratio to Envoy) | " + " | ".join(PEERS) + " |")
    print("|---" * (len(PEERS) + 1) + "|")
    for scenario, by_name in times.items():
        medians = {name: statistics.median(values) for name, values in by_name.items()}
        base = medians.get("envoy")
        cells = []
        for name in PEERS:
            ratio = f" ({medians[name] / base:.2f})" if base and name in medians else ""
            cells.append(f"{medians[name]:.1f}{ratio}" if name in medians else "–")
        print(f"| {SCENARIOS[scenario][0]} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"some of {', '.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of load for each measurement")
    parser.add_argument("--proxies", nargs="+", choices=PEERS, default=list(PEERS))
    asked = parser.parse_args()
    if unknown := set(asked.scenarios) - set(SCENARIOS): parser.error(f"no such scenario: {', '.join(unknown)}")
    if not program("h2load") or not program("nginx"): sys.exit("compare: scripts/install-test-tools.sh --peers")
    with tempfile.TemporaryDirectory() as folder:
        show(measure(asked.proxies, asked.scenarios or list(SCENARIOS), asked.rounds, asked.seconds, folder))


main()
