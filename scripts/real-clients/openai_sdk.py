"""The openai SDK against the simulated provider without TLS, and everything that does not depend on the connection."""

import hashlib
import os
import time
from threading import Thread
from unittest import mock

import openai

from conversation import SIMULATOR, ask, client, converse, policy
from harness import SECRET, Penstock, Simulator, check, eventually, free_port

SDK = f"openai {openai.__version__}"


def tenants(penstock):
    with check(f"{SDK}: tenant and job are named by headers"):
        ask(client(penstock), extra_headers={"X-Tenant-Id": "acme", "X-Job-Id": "invoice-4711"})
        penstock.logs(outcome="ok", tenant="acme", job="invoice-4711")
    with check(f"{SDK}: without a name the tenant is the fingerprint of the key"):
        key = "sk-another"
        ask(client(penstock, api_key=key))
        penstock.logs(outcome="ok", tenant=f"key:{hashlib.sha256(key.encode()).hexdigest()[:8]}")
    if int(openai.__version__.split(".")[0]) < 2: return
    with check(f"{SDK}: OPENAI_BASE_URL and OPENAI_CUSTOM_HEADERS are all that an application needs"):
        environment = {
            "OPENAI_BASE_URL": f"{penstock.url}/provider/v1", "OPENAI_API_KEY": SECRET,
            "OPENAI_CUSTOM_HEADERS": "X-Tenant-Id: globex\nX-Priority: high",
        }
        with mock.patch.dict(os.environ, environment):
            assert ask(openai.OpenAI()).choices
        penstock.logs(outcome="ok", tenant="globex")


def refusals(simulator):
    narrow = f"""
upstreams:
  provider:
    url: http://127.0.0.1:{simulator.port}
    provider: openai
    limits: [{{name: account, in_flight: 1}}]
    queue: {{max_requests: 1}}
"""
    with Penstock(narrow) as penstock:
        with check(f"{SDK}: a full queue raises RateLimitError that names the limit and when to come back"):
            stream = ask(client(penstock), 2000, stream=True)
            next(iter(stream))
            waiting = Thread(target=lambda: ask(client(penstock)))
            waiting.start()
            eventually(lambda: penstock.upstream()["queued"] == 1, "one caller to wait")
            refusal(client(penstock), lambda error: (
                expect("account" in error.message and "1 request in flight" in error.message, error.message),
                expect(error.type and error.code, error.body),
                expect(error.response.headers["proxy-status"].startswith("penstock; error=connection_limit_reached"),
                       error.response.headers),
                expect('"account";q=1;qu="concurrent-requests"' in error.response.headers["ratelimit-policy"],
                       error.response.headers)))
        with check(f"{SDK}: when the slot falls free, the caller that waited is answered"):
            stream.close()
            waiting.join(10)
            assert not waiting.is_alive()
            eventually(penstock.is_idle, "nothing to be left")

    spent = narrow.replace("in_flight: 1", "requests: 1/hour").replace("max_requests: 1", "timeout: 5s")
    with Penstock(spent) as penstock:
        with check(f"{SDK}: x-should-retry: false is honoured, so a hopeless wait costs one attempt"):
            ask(client(penstock))
            began = time.monotonic()
            refusal(client(penstock, max_retries=4), lambda error: (
                expect("account" in error.message and "1 request" in error.message, error.message),
                expect(error.response.headers["x-should-retry"] == "false", error.response.headers),
                expect(error.response.headers["retry-after"] == "60", error.response.headers),
                expect(int(error.response.headers["ratelimit"].split("t=")[1]) > 3000, error.response.headers)))
            assert time.monotonic() - began < 2
            penstock.logs(status=429, attempts=0)
            assert len(penstock.access_log()) == 2

    brief = narrow.replace("in_flight: 1", "requests: 1/s").replace("max_requests: 1", "max_requests: 0")
    with Penstock(brief) as penstock:
        with check(f"{SDK}: a short Retry-After is waited for by the SDK, and then it is answered"):
            api = client(penstock, max_retries=5)
            assert all(ask(api, 1).choices for _ in range(3))
            assert penstock.metric("penstock_requests_total", outcome="queue_full") >= 1


def refusal(api, look):
    try:
        ask(api)
    except openai.RateLimitError as error:
        look(error)
        return
    raise AssertionError("it was answered")


def expect(condition, shown):
    assert condition, shown


def broken_connections(simulator):
    """A reset before the head leaves open whether the provider has worked on the request."""
    address = f"http://127.0.0.1:{simulator.port}"
    with Penstock(policy(address)) as penstock:
        with check(f"{SDK}: a POST that may have been processed is not repeated, and the error says why"):
            simulator.reset()
            try:
                ask(client(penstock), extra_headers={"x-simulate": "reset-before-head"})
                raise AssertionError("it was answered")
            except openai.APIStatusError as error:
                assert error.status_code == 502, error
                status = error.response.headers["proxy-status"]
                assert "error=http_response_incomplete" in status, status
            assert simulator.counts["requests"] == {"none": 1}, simulator.counts
    with Penstock(policy(address)) as penstock:
        with check(f"{SDK}: a GET is"):
            simulator.reset()
            simulator.faults("reset-before-head@next=1")
            assert client(penstock).models.list().data
            assert simulator.counts["requests"] == {"200": 1, "none": 1}, simulator.counts
    with Penstock(policy(address, "retry: {unsafe: true}")) as penstock:
        with check(f"{SDK}: with `unsafe: true` the POST is, too"):
            simulator.reset()
            simulator.faults("reset-before-head@next=1")
            assert ask(client(penstock)).choices
            assert simulator.counts["requests"] == {"200": 1, "none": 1}, simulator.counts
    with Penstock(policy(f"http://127.0.0.1:{free_port()}", "retry: {attempts: 2}")) as penstock:
        with check(f"{SDK}: nobody at the provider's address gives 502 after the attempts allowed"):
            try:
                ask(client(penstock))
                raise AssertionError("it was answered")
            except openai.APIStatusError as error:
                assert error.status_code == 502, error
                assert "error=connection_refused" in error.response.headers["proxy-status"], error.response.headers
                assert error.response.headers["x-should-retry"] == "false", error.response.headers
            penstock.logs(outcome="failed", attempts=2)


simulator = Simulator(*SIMULATOR)
penstock = Penstock(policy(f"http://127.0.0.1:{simulator.port}"))
converse(simulator, penstock, "HTTP/1.1")
tenants(penstock)
refusals(simulator)
broken_connections(simulator)
