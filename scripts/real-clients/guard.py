"""More than the process can take: connections, descriptors and memory run out, and it lives, says so and recovers."""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import resource
import socket
import threading
import time

import harness
from harness import Penstock, check, directory, eventually

MIB = 1 << 20
UPLOADS = 200
UPLOAD = 4 * MIB


class Provider(http.server.BaseHTTPRequestHandler):
    """Reads all, thinks for a moment, answers."""

    protocol_version = "HTTP/1.1"
    thinks = 0.0

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            chunk = self.rfile.read1(min(left, 64 << 10))
            if not chunk: return
            left -= len(chunk)
        time.sleep(self.thinks)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, *_):
        """A caller that goes is none."""


server = Server(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()


def start(guard, in_flight, files=None):
    """A proxy with so many descriptors."""
    program = harness.PENSTOCK
    if files:
        harness.PENSTOCK = directory / f"penstock-{files}"
        harness.PENSTOCK.write_text(f'#!/bin/sh\nulimit -n {files}\nexec "{program}" "$@"\n')
        harness.PENSTOCK.chmod(0o755)
    try:
        return Penstock(f"""
guard: {guard}
upstreams:
  provider:
    url: http://127.0.0.1:{server.server_port}
    provider: generic
    limits: [{{in_flight: {in_flight}}}]
    queue: {{timeout: 120s}}
""", "--workers", "2")
    finally:
        harness.PENSTOCK = program


def status(penstock):
    return json.loads(penstock.admin("/status").text)["guard"]


def post(penstock, body=b"{}", priority="normal", connection=None):
    """The status of the answer; 0 where the connection ended without one."""
    own = connection is None
    connection = connection or http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=150)
    try:
        connection.request("POST", "/v1", body, {"X-Priority": priority})
        response = connection.getresponse()
        response.read()
        return response.status
    except (ConnectionError, http.client.HTTPException):
        return 0
    finally:
        if own: connection.close()


class Crowd:
    """Connections that say nothing."""

    def __init__(self, penstock, count):
        self.sockets = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                self.sockets.append(socket.create_connection(("127.0.0.1", penstock.port), timeout=5))
        for each in self.sockets: each.setblocking(False)

    def open(self):
        """Those that have not been reset."""
        def is_open(connection):
            try:
                return connection.recv(1) != b""
            except BlockingIOError:
                return True
            except OSError:
                return False

        return [connection for connection in self.sockets if is_open(connection)]

    def close(self):
        for each in self.sockets: each.close()


def as_client(connection, penstock):
    connection.settimeout(30)
    client = http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=30)
    client.sock = connection
    return client


def cpu_seconds(penstock):
    fields = pathlib.Path(f"/proc/{penstock.child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connections():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with start("{max_connections: 10000}", in_flight=100, files=1024) as penstock:
        with check("what few descriptors mean is said in one line at the start"):
            assert penstock.output.count("ulimit -n is 1024: at most 460 connections") == 1, penstock.output
            assert penstock.metric("penstock_max_open_files") == 1024
        early = http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=30)
        assert post(penstock, connection=early) == 200
        with check("of 3000 connections as many are kept as there is room for, the others are reset"):
            crowd = Crowd(penstock, 3000)
            eventually(lambda: len(crowd.open()) <= 460 + 32, "the others to be reset")
            assert len(crowd.open()) > 400, len(crowd.open())
            assert penstock.metric("penstock_open_files") < 700
            assert penstock.metric("penstock_shed_total", reason="connections", priority="none") > 2000
        with check("then the admin address answers, and connections that were there before are served"):
            for path in ("/healthz", "/readyz", "/metrics", "/status"): assert penstock.admin(path).status == 200, path
            assert post(penstock, connection=early) == 200
        with check("on connections that are one too many high priority is served, and no other"):
            # The latest ones; those that are left of the crowd stand in the order in which they came.
            late = crowd.open()[-8:]
            answers = [post(penstock, priority=priority, connection=as_client(each, penstock))
                       for priority, each in zip(("high", "normal", "low"), late)]
            assert answers == [200, 503, 503], answers
            assert post(penstock, priority="low", connection=early) == 503
        with check("when they have gone all is as before"):
            crowd.close()
            eventually(lambda: status(penstock)["connections"]["open"] < 10, "the crowd to be gone")
            for priority in ("high", "normal", "low"): assert post(penstock, priority=priority) == 200
        early.close()


def descriptors():
    with start("{max_connections: 100}", in_flight=10, files=1024) as penstock:
        assert post(penstock) == 200
        with check("without a single descriptor it waits and does not spin, and then goes on"):
            few = int(penstock.metric("penstock_open_files"))
            resource.prlimit(penstock.child.pid, resource.RLIMIT_NOFILE, (few, 1024))
            crowd = Crowd(penstock, 40)
            before = cpu_seconds(penstock)
            time.sleep(2)
            spent = cpu_seconds(penstock) - before
            assert spent < 0.5, f"{spent} s of CPU in 2 s"
            resource.prlimit(penstock.child.pid, resource.RLIMIT_NOFILE, (1024, 1024))
            crowd.close()
            assert post(penstock) == 200
            assert status(penstock)["connections"]["accept_failures"] > 0, status(penstock)
            lines = eventually(
                lambda: [line for line in penstock.output.splitlines() if "accept_failures" in line], "a line about it")
            assert len(lines) == 1, lines


def memory():
    Provider.thinks = 0.5
    with start("{max_memory: 64MiB}", in_flight=50) as penstock:
        bound = status(penstock)["memory"]["bound"]
        levels, answers, urgent = set(), [], []
        body = bytes(UPLOAD)

        def upload():
            """Comes back until it is served, as an SDK does."""
            for _ in range(100):
                answers.append(post(penstock, body))
                if answers[-1] == 200: return
                time.sleep(0.2)

        threads = [threading.Thread(target=upload, daemon=True) for _ in range(UPLOADS)]
        with check(f"{UPLOADS} uploads of 4 MiB that wait in line do not cost more memory than there may be"):
            began = time.monotonic()
            for thread in threads: thread.start()
            while any(thread.is_alive() for thread in threads) and time.monotonic() - began < 120:
                levels.add(status(penstock)["level"])
                urgent.append(post(penstock, priority="high"))
                time.sleep(0.2)
            assert penstock.child.poll() is None, "it ended"
            assert answers.count(200) == UPLOADS, {each: answers.count(each) for each in set(answers)}
            peak = penstock.peak_memory()
            print(f"#   {answers.count(503)} refused on the way, levels {sorted(levels)}, at most {peak / MIB:.1f} MiB of "
                  f"{bound / MIB:.0f}, {len(urgent)} of high priority, {time.monotonic() - began:.1f} s", flush=True)
            assert peak < bound, f"{peak} of {bound}"
        with check("high priority was served all the time"):
            assert urgent and set(urgent) == {200}, urgent
        with check("afterwards all is as before"):
            eventually(lambda: status(penstock)["level"] == "calm", "memory to be given back", 30)
            eventually(lambda: status(penstock)["memory"]["buffered"] == 0, "the ledger to be empty")
            eventually(penstock.is_idle, "all slots to be free")
            for priority in ("high", "normal", "low"): assert post(penstock, body, priority) == 200


connections()
descriptors()
memory()
