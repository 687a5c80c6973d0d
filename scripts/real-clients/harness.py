"""Starts Penstock and providers on free loopback ports, and says what held."""

import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PENSTOCK = os.environ["PENSTOCK"]

# A key that must never be seen in a log or on a page.
SECRET = "sk-test-Zq7fVw2LkXb9TnRd"

directory = pathlib.Path(tempfile.mkdtemp(prefix="penstock-check-"))
running = []


class Process:
    """A child with its output in a file; ended by its own id, whatever happens."""

    def __init__(self, name, command, environment=None, passed=()):
        self.name = name
        self.log = directory / f"{len(list(directory.iterdir()))}-{name}.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})}, pass_fds=passed)
        running.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def output(self):
        return self.log.read_text(errors="replace")

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def wait(self, seconds=10):
        """The exit code."""
        code = self.child.wait(seconds)
        running.remove(self)
        return code

    def stop(self):
        if self.child.poll() is None:
            self.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self in running:
            running.remove(self)

    def peak_memory(self):
        """The most resident memory so far, in bytes."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


class Simulator(Process):
    """`penstock simulate` with the given arguments."""

    def __init__(self, *arguments, certificate=None):
        tls = ["--tls-cert", certificate.certificate, "--tls-key", certificate.key] if certificate else []
        super().__init__("simulate", [PENSTOCK, "simulate", "--listen", "127.0.0.1:0", *tls, *arguments])
        self.certificate = certificate
        found = eventually(lambda: re.search(r"simulated provider on \S+:(\d+)", self.output), "the simulator's port")
        self.port = int(found[1])

    def call(self, method, path, body=None):
        if self.certificate:
            connection = http.client.HTTPSConnection("localhost", self.port, context=self.certificate.context())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            return json.loads(connection.getresponse().read())

    @property
    def counts(self):
        return self.call("GET", "/_simulator")["counts"]

    def reset(self):
        """Sets the counts to zero and ends all faults."""
        self.faults()
        self.call("POST", "/_simulator/reset")

    def faults(self, *faults):
        self.call("POST", "/_simulator/faults", json.dumps({"faults": faults}))


class Penstock(Process):
    """`penstock run` with a policy, ready for requests; with a certificate they come in over TLS.

    Where `config` is given, the test writes that file itself, and the addresses are flags.
    """

    def __init__(self, policy, *arguments, environment=None, certificate=None, config=None):
        self.port, self.admin_port = free_port(), free_port()
        listen = f"address: 127.0.0.1:{self.port}"
        if certificate: listen += f", tls: {{cert: {certificate.certificate}, key: {certificate.key}}}"
        self.url = f"https://localhost:{self.port}" if certificate else f"http://127.0.0.1:{self.port}"
        self.policy = config or directory / f"policy-{self.port}.yaml"
        if config:
            arguments += ("--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}")
        else:
            self.policy.write_text(f"listen: {{{listen}}}\nadmin: 127.0.0.1:{self.admin_port}\n{policy}")
        super().__init__("run", [PENSTOCK, "run", "--config", self.policy, *arguments], environment)
        eventually(self.is_ready, "penstock to be ready")

    def is_ready(self):
        assert self.child.poll() is None, "penstock ended"
        with contextlib.suppress(OSError):
            return self.admin("/readyz").status == 200

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            response.text = response.read().decode()
            return response

    def upstream(self, name="provider"):
        return json.loads(self.admin("/status").text)["upstreams"][name]

    def is_idle(self, name="provider"):
        upstream = self.upstream(name)
        return (upstream["in_flight"], upstream["queued"]) == (0, 0)

    def metric(self, name, **labels):
        """The sum of the samples that have these labels."""
        total = 0.0
        for line in self.admin("/metrics").text.splitlines():
            found = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
                total += float(found[2])
        return total

    def access_log(self):
        """The lines so far, oldest first. The line of a request comes a moment after its answer."""
        whole = self.output[: self.output.rfind("\n") + 1].splitlines()
        lines = (json.loads(line) for line in whole if line.startswith("{"))
        return [line for line in lines if line["message"] == "request"]

    def logs(self, **members):
        """The first line in the access log that has these members, waited for."""
        return eventually(
            lambda: next((line for line in self.access_log() if members.items() <= line.items()), None),
            f"a line in the log with {members}")


class Certificate:
    """A certificate for one host from an authority made on the spot."""

    def __init__(self, name, host="localhost"):
        self.authority = directory / f"{name}-ca.pem"
        self.certificate = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        authority_key = directory / f"{name}-ca.key"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        run("openssl", "req", "-x509", *key, "-subj", f"/CN={name} test authority", "-keyout", authority_key, "-out",
            self.authority)
        run("openssl", "req", "-x509", *key, "-subj", f"/CN={host}", "-keyout", self.key, "-out", self.certificate,
            "-CA", self.authority, "-CAkey", authority_key, "-addext", f"subjectAltName=DNS:{host}", "-addext",
            "basicConstraints=critical,CA:FALSE")

    def context(self):
        import ssl

        return ssl.create_default_context(cafile=self.authority)


def run(*command):
    """Runs a program to its end and returns what it wrote; a failure shows it."""
    result = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=60)
    output, errors = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
    assert result.returncode == 0, f"{command[0]} returned {result.returncode}: {output}{errors}"
    return output


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def accepts(port, host="127.0.0.1"):
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


def eventually(condition, what, seconds=10):
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def check(sentence):
    """Prints whether what the sentence says holds; what does not ends the run with all logs."""
    began = time.monotonic()
    try:
        yield
    except Exception as error:
        show(*sys.exc_info())
        # Last, and once more in short: what reads a log from its end sees the reason.
        print(f"not ok - {sentence}: {type(error).__name__}: {str(error)[:600]}", flush=True)
        sys.exit(1)
    print(f"ok - {sentence} ({time.monotonic() - began:.1f} s)", flush=True)


def show(*error):
    """An error and the ends of all logs."""
    traceback.print_exception(*error)
    for process in running:
        print(f"--- {process.name} ({process.log.name}), its last lines", file=sys.stderr)
        print("\n".join(line[:400] for line in process.output.splitlines()[-15:]), file=sys.stderr)
    sys.stderr.flush()


def end_everything():
    for process in list(running):
        process.stop()
    shutil.rmtree(directory, ignore_errors=True)


sys.excepthook = show
atexit.register(end_everything)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))
