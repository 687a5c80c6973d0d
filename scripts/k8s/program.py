"""Runs the built program in front of its own simulated provider until it has something to say in every metric."""

import concurrent.futures
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

# Nothing but loopback, whatever the environment says about proxies.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

POLICY = """
upstreams:
  openai:
    url: http://127.0.0.1:{port}
    provider: openai
    limits:
      - {{name: account, in_flight: 2, requests: 6000/min, tokens: 1000000/min}}
      - {{name: tenant, per: tenant, in_flight: 2}}
    queue: {{max_requests: 8}}
    adaptive: {{min: 1, max: 8}}
"""
REPLICA = """
cluster: {{redis: {{url: "redis://127.0.0.1:1"}}}}
upstreams:
  openai: {{url: "http://127.0.0.1:{port}", limits: [{{name: account, in_flight: 2}}]}}
"""
CHAT = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}).encode()


def exposed_metrics(report, scratch):
    """Names to the labels that each was seen with."""
    started = []
    try:
        simulator = start(started, scratch, "simulate", "--listen", "127.0.0.1:0", "--latency", "400ms")
        port = found(simulator, r"provider on 127\.0\.0\.1:(\d+)")
        policy = scratch / "run.yaml"
        policy.write_text(POLICY.format(port=port))
        proxy = start(
            started, scratch, "run", "--config", policy, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        address, admin = found(proxy, r'Listening.*"address":"([^"]+)'), found(proxy, r'Admin.*"address":"([^"]+)')
        metrics = drive(f"http://{address}", f"http://{admin}/metrics")
        # One of several replicas, and its store is away.
        policy = scratch / "replica.yaml"
        policy.write_text(REPLICA.format(port=port))
        replica = start(
            started, scratch, "run", "--config", policy, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        admin = found(replica, r'Admin.*"address":"([^"]+)')
        read(f"http://{admin}/metrics", metrics)
        report.outcome(f"the program ran and exposes {len(metrics)} metrics", len(metrics) > 20)
        return metrics
    finally:
        for child in started:
            child.terminate()
        for child in started:
            child.wait(30)


def drive(address, page):
    """The provider throttles the first request; the others find a pause, fill the queue, and some are refused."""
    seen = {}
    call(address, 0)
    with concurrent.futures.ThreadPoolExecutor(16) as callers:
        calls = [callers.submit(call, address, number) for number in range(1, 17)]
        while not all(one.done() for one in calls):
            read(page, seen)
            time.sleep(0.1)
    read(page, seen)
    return seen


def call(address, number):
    fault = {"x-simulate": "status=429;retry-after=1"} if number == 0 else {}
    request = urllib.request.Request(
        f"{address}/openai/v1/chat/completions", CHAT,
        {"Content-Type": "application/json", "X-Tenant-Id": f"tenant-{number % 3}", **fault})
    try:
        with OPENER.open(request, timeout=60) as answer:
            answer.read()
    except urllib.error.HTTPError as refusal:
        refusal.read()


def read(page, seen):
    with OPENER.open(page, timeout=10) as answer:
        text = answer.read().decode()
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        seen.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))


def start(started, scratch, *arguments):
    log = open(scratch / f"{len(started)}.log", "w+")
    child = subprocess.Popen(
        [os.environ["PENSTOCK"], *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    child.log = log.name
    started.append(child)
    return child


def found(child, pattern):
    for _ in range(200):
        with open(child.log) as log:
            match = re.search(pattern, log.read())
        if match: return match[1]
        assert child.poll() is None, open(child.log).read()
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {child.log}")
