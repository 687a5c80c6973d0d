"""A Redis of its own for several Penstocks, ways to it that can be spoiled, and callers that keep all of them busy."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from harness import Penstock, eventually, free_port

REPLICAS = int(os.environ.get("REPLICAS", "3"))
# Or `valkey-server`: the two are the same to Penstock.
SERVER = os.environ.get("REDIS_SERVER", "redis-server")
PER_MINUTE = 3000
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]})


class Redis:
    """A server on a socket and, where one is given, a port; nothing of it stays."""

    def __init__(self, *arguments, port=0, mode=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-redis-"))
        self.path = self.folder / "s"
        (self.folder / "conf").touch()
        self.port = port
        self.command = [
            SERVER, self.folder / "conf", *mode, "--port", port, "--bind", "127.0.0.1", "--unixsocket", self.path,
            "--dir", self.folder, *arguments]
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder)

    def start(self):
        self.child = subprocess.Popen(
            [str(part) for part in self.command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        # A server that asks for a password is up as well.
        eventually(lambda: (self.say("PING") or b"").startswith((b"+PONG", b"-NOAUTH")), f"{SERVER} to be up")

    def say(self, *words):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(2)
            wire.connect(str(self.path))
            wire.sendall((" ".join(words) + "\r\n").encode())
            return wire.recv(1 << 16)

    def kill(self):
        self.child.kill()
        self.child.wait()


class Relays:
    """So many ports that lead to one port, in a process of their own; see relay.py."""

    def __init__(self, count, target):
        self.ports = [free_port() for _ in range(count)]
        self.child = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("relay.py"), str(target), *map(str, self.ports)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()

    def set(self, which, mode):
        """`pass`, `stall`, `drop`, `reset` or a delay in seconds."""
        self.child.stdin.write(f"{which} {mode}\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == "done\n"


class Load:
    """Keeps so many requests under way at each replica and counts what comes back."""

    def __init__(self, replicas, workers):
        self.answers, self.ending, self.slowest = {}, False, 0
        self.threads = [
            threading.Thread(target=self.work, args=(replica, number), daemon=True)
            for replica in replicas for number in range(workers)]
        for thread in self.threads: thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        for thread in self.threads: thread.join(70)
        assert not any(thread.is_alive() for thread in self.threads), "a request hangs"

    def work(self, replica, number):
        connection = None
        while not self.ending:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", replica.port, timeout=65)
                begin = time.monotonic()
                connection.request("POST", "/v1/chat/completions", BODY, {"X-Tenant-Id": f"t{number % 3}"})
                response = connection.getresponse()
                response.read()
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self.note(response.status)
            except (OSError, http.client.HTTPException):
                self.note("broken")
                connection = None
                if replica.child.poll() is not None: return
                time.sleep(0.05)

    def note(self, status):
        self.answers[status] = self.answers.get(status, 0) + 1


def policy(simulator, limits, redis, more="", cluster="", provider="openai"):
    """`redis` is what stands there in the policy."""
    return f"""
upstreams:
  provider:
    url: http://127.0.0.1:{simulator.port}
    provider: {provider}
    {more}
    limits: [{{name: account, {limits}}}]
    queue: {{max_requests: 1000, max_requests_per_tenant: 1000}}
cluster: {{redis: {{{redis}}}{cluster}}}
"""


def replicas(stack, texts):
    return [stack.enter_context(Penstock(text)) for text in texts]


def taken(simulator):
    return simulator.counts["accepted"]


def kept(simulator, load):
    counts = simulator.counts
    assert counts["violations_total"] == 0, counts
    assert set(load.answers) <= {200}, load.answers


def is_connected(penstock):
    return json.loads(penstock.admin("/status").text)["cluster"]["connected"]


connections = {}


def ask(penstock):
    """How long one request took, and its status."""
    connection = connections.setdefault(penstock.port, http.client.HTTPConnection("127.0.0.1", penstock.port))
    begin = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", BODY)
    response = connection.getresponse()
    response.read()
    return time.perf_counter() - begin, response.status
