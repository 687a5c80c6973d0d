"""Starting, stopping and looking at a Penstock process, as whoever runs it does."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
from threading import Thread

import httpx

from harness import PENSTOCK, SECRET, Penstock, Simulator, check, directory, eventually, free_port

OTHER_SECRET = "sk-other-Rm3YcHd8WvJp5Tsa"
CONFIG = pathlib.Path(__file__).parents[2] / "config"
CHAT = {"model": "gpt-4o-mini", "max_tokens": 4, "messages": [{"role": "user", "content": "Say something."}]}


def policy(simulator):
    return f"""
upstreams:
  provider:
    url: http://127.0.0.1:{simulator.port}
    provider: openai
    credential: {{env: PROVIDER_KEY}}
    limits:
      - {{name: account, in_flight: 1}}
      - {{name: tenant, per: tenant, requests: 100/min}}
"""


def call(penstock, **options):
    return httpx.post(
        f"{penstock.url}/provider/v1/chat/completions", timeout=30, trust_env=False,
        **({"json": CHAT, "headers": {"Authorization": f"Bearer {SECRET}"}} | options))


def penstock_returns(code, *arguments):
    """What the program wrote on standard error."""
    result = subprocess.run(
        [PENSTOCK, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result.stderr


def start(simulator, *arguments):
    return Penstock(policy(simulator), *arguments, environment={"PROVIDER_KEY": OTHER_SECRET})


class Streaming:
    """A stream of thirty tokens at ten a second, read on a thread of its own."""

    def __init__(self, penstock):
        self.events = []
        self.error = None
        self.thread = Thread(target=self.read, args=[penstock])
        self.thread.start()
        eventually(lambda: len(self.events) > 2, "the stream to begin")

    def read(self, penstock):
        try:
            with httpx.stream(
                "POST", f"{penstock.url}/provider/v1/chat/completions", timeout=30, trust_env=False,
                json=CHAT | {"stream": True, "max_tokens": 30},
            ) as response:
                for line in response.iter_lines():
                    if line: self.events.append(line)
        except httpx.HTTPError as error:
            self.error = error

    def end(self):
        self.thread.join(20)
        assert not self.thread.is_alive(), "the stream goes on"


simulator = Simulator("--tokens-per-second", "10")

with check("a broken configuration ends with 1 and says every mistake with its line and column"):
    broken = directory / "broken.yaml"
    broken.write_text(
        "upstreams:\n  openai:\n    url: https://api.openai.com\n    limts: []\n    queue: {timeout: 5}\n")
    for command in ("check", "run"):
        written = penstock_returns(1, command, "--config", broken)
        assert re.search(rf"^{re.escape(str(broken))}:4:5: error: .*limits", written, re.M), written
        assert re.search(rf"^{re.escape(str(broken))}:5:\d+: error: ", written, re.M), written
    assert "no-such-file.yaml" in penstock_returns(1, "run", "--config", directory / "no-such-file.yaml")

with check("a missing secret is a warning in `check` and a mistake in `run`"):
    config = directory / "secret.yaml"
    config.write_text(policy(simulator))
    os.environ.pop("PROVIDER_KEY", None)
    assert re.search(r":6:\d+: warning: .*PROVIDER_KEY", penstock_returns(0, "check", "--config", config))
    assert re.search(r":6:\d+: error: .*PROVIDER_KEY", penstock_returns(1, "run", "--config", config))

with check("`check` accepts all files of config/"):
    for file in sorted(CONFIG.glob("*.yaml")): penstock_returns(0, "check", "--config", file)

with check("an address in use ends with 2 and one line that names it"):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        free = f"127.0.0.1:{free_port()}"
        config.write_text(policy(simulator).replace("    credential: {env: PROVIDER_KEY}\n", ""))
        for listen, admin in ((address, free), (free, address)):
            written = penstock_returns(2, "run", "--config", config, "--listen", listen, "--admin", admin)
            lines = [line for line in written.splitlines() if address in line]
            assert len(lines) == 1 and "in use" in lines[0], written

with start(simulator) as penstock:
    with check("the configured credential is used in place of the caller's, and no secret shows anywhere"):
        assert call(penstock).status_code == 200
        assert call(penstock, params={"api-key": SECRET}).status_code == 200
        httpx.post(f"{penstock.url}/provider/v1/{SECRET}", headers={"X-Tenant-Id": "acme"}, trust_env=False)
        eventually(lambda: len(penstock.access_log()) == 3, "three lines in the log")
        paths = ("/", "/status", "/metrics", "/healthz", "/livez", "/readyz")
        seen = {path: penstock.admin(path).text for path in paths}
        seen["the log"] = "\n".join(line for line in penstock.output.splitlines() if f"/v1/{SECRET}" not in line)
        for where, text in seen.items():
            assert SECRET not in text and OTHER_SECRET not in text, f"a key on {where}"

    if shutil.which("promtool"):
        with check("promtool finds nothing wrong with /metrics"):
            metrics = directory / "metrics"
            metrics.write_text(penstock.admin("/metrics").text)
            with open(metrics) as text:
                subprocess.run(["promtool", "check", "metrics"], stdin=text, check=True, timeout=30)
    else:
        print("skipped - promtool is not installed (scripts/install-test-tools.sh)")

    with check("/status, /metrics and the log agree on what happened"):
        upstream = penstock.upstream()
        assert [limit["name"] for limit in upstream["limits"]] == ["account", "tenant"], upstream
        assert penstock.metric("penstock_requests_total", upstream="provider", outcome="ok") == 2
        assert penstock.metric("penstock_requests_total", upstream="provider", outcome="client_error") == 1
        assert penstock.metric("penstock_request_seconds_count", upstream="provider") == 3
        assert penstock.metric("penstock_limit_value", limit="account", unit="in_flight") == 1
        outcomes = [line["outcome"] for line in penstock.access_log()]
        assert outcomes == ["ok", "ok", "client_error"], outcomes

    with check("`health` says within its time whether the proxy is ready"):
        assert penstock_returns(0, "health", "--admin", f"127.0.0.1:{penstock.admin_port}") == ""
        assert "nobody listens" in penstock_returns(1, "health", "--admin", f"127.0.0.1:{free_port()}")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            assert "took too long" in penstock_returns(1, "health", "--admin", address, "--timeout", "300ms")

for name, ask_to_end in (("SIGTERM", Penstock.terminate), ("POST /drain", lambda penstock: httpx.post(
        f"http://127.0.0.1:{penstock.admin_port}/drain", trust_env=False).raise_for_status())):
    with start(simulator) as penstock:
        with check(f"{name}: a running stream ends whole, who waits gets 503, the exit code is 0"):
            stream = Streaming(penstock)
            answers = []
            waiting = Thread(target=lambda: answers.append(call(penstock)))
            waiting.start()
            eventually(lambda: penstock.upstream()["queued"] == 1, "one caller to wait")
            ask_to_end(penstock)
            waiting.join(5)
            assert answers and answers[0].status_code == 503, answers
            assert answers[0].headers["retry-after"] == "1", answers[0].headers
            assert penstock.child.poll() is None, "it ended before the stream"
            assert penstock.admin("/readyz").status == 503
            assert penstock.admin("/livez").status == 200
            address = f"127.0.0.1:{penstock.admin_port}"
            assert "503 not ready" in penstock_returns(1, "health", "--admin", address)
            assert penstock_returns(0, "health", "--admin", address, "--live") == ""
            try:
                call(penstock)
                raise AssertionError("a new connection was accepted")
            except httpx.ConnectError:
                pass
            stream.end()
            assert stream.error is None and stream.events[-1] == "data: [DONE]", (stream.error, stream.events[-1:])
            assert penstock.wait() == 0

with start(simulator, "--drain-timeout", "500ms") as penstock:
    with check("the drain timeout ends what still runs, and that does not look whole"):
        stream = Streaming(penstock)
        began = time.monotonic()
        penstock.terminate()
        penstock.wait()
        assert 0.4 < time.monotonic() - began < 2.5, time.monotonic() - began
        stream.end()
        assert stream.error is not None and "data: [DONE]" not in stream.events, stream.events[-1:]

with start(simulator) as penstock:
    with check("a second signal ends it at once"):
        stream = Streaming(penstock)
        penstock.terminate()
        eventually(lambda: penstock.admin("/readyz").status == 503, "the drain to begin")
        began = time.monotonic()
        penstock.terminate()
        penstock.wait()
        assert time.monotonic() - began < 1.5, time.monotonic() - began
        stream.end()
        assert stream.error is not None, stream.events[-1:]
