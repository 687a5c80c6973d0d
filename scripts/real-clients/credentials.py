"""Several keys of one upstream, against a provider that counts each key for itself and strictly."""

import http.client
import threading
import time

from harness import SECRET, Penstock, Simulator, check, eventually

# Of each key; the provider's bucket holds ten seconds' part of it.
PER_MINUTE = 600
SECONDS = 15
KEYS = {"PENSTOCK_TEST_KEY_A": SECRET + "-a", "PENSTOCK_TEST_KEY_B": SECRET + "-b"}


def policy(simulator, *more):
    limits = f"limits: [{{in_flight: 40, requests: {PER_MINUTE}/min}}]"
    return "\n    ".join([
        "upstreams:\n  provider:", f"url: http://127.0.0.1:{simulator.port}", "provider: openai", "pacing: 10s",
        "credentials:", f"  - {{name: a, key: {{env: PENSTOCK_TEST_KEY_A}}, {limits}}}",
        f"  - {{name: b, key: {{env: PENSTOCK_TEST_KEY_B}}, {limits}}}", *more,
    ]) + "\n"


def request(connection):
    connection.request("GET", "/v1/models", headers={"Authorization": "Bearer sk-of-the-caller"})
    response = connection.getresponse()
    response.read()
    return response.status


def saturate(port, seconds, callers=24):
    """The statuses of as many requests as go through in that time."""
    statuses, end = [], time.monotonic() + seconds

    def call():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() < end:
            statuses.append(request(connection))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return statuses


def is_secret(penstock):
    seen = penstock.output + "".join(penstock.admin(path).text for path in ("/", "/status", "/metrics"))
    assert SECRET not in seen and "sk-of-the-caller" not in seen


limits = ["--limit", f"per_key.requests={PER_MINUTE}/60s:bucket(10s)", "--limit", "per_key.in_flight=40"]
with Simulator(*limits, "--latency", "50ms") as simulator:
    with Penstock(policy(simulator), environment=KEYS) as penstock:
        with check("two keys with limits of their own are both used to 98 %, and the provider has nothing to refuse"):
            statuses = saturate(penstock.port, SECONDS)
            assert set(statuses) == {200}, set(statuses)
            eventually(lambda: len(penstock.access_log()) == len(statuses), "the log")
            used = [line["credential"] for line in penstock.access_log()]
            for key in "ab":
                share = used.count(key) / (PER_MINUTE / 60 * SECONDS)
                assert share >= 0.98, f"{share:.3f} of {key}"
            counts = simulator.counts
            assert counts["violations_total"] == 0 and "429" not in counts["requests"], counts
        with check("/status and metrics name the keys' limits, and nothing shows a key"):
            assert [key["name"] for key in penstock.upstream()["credentials"]] == ["a", "b"]
            assert penstock.metric("penstock_limit_value", limit="b/in-flight-requests", unit="requests/60s") == PER_MINUTE
            is_secret(penstock)
    with Penstock(policy(simulator), environment=KEYS) as penstock:
        with check("a key that the provider turns away is left out, and the caller is answered with the other"):
            simulator.faults("status=401@next=1")
            assert request(http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=30)) == 200
            states = {key["name"]: key["state"] for key in penstock.upstream()["credentials"]}
            assert states == {"a": "rejected", "b": "ok"}, states
            penstock.logs(attempts=2, credential="b", outcome="ok")
            is_secret(penstock)
